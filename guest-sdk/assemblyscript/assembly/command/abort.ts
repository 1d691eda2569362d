import { writeAll } from "./stream";

const room: usize = memory.data(20);
const ends: usize = memory.data(4);

/** A failed `throw` or assertion: says so on stderr and traps. A failed allocation ends here too: none is made. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  writeText(changetype<usize>(message));
  if (file !== null) {
    writeByte(32);
    writeByte(40);
    writeText(changetype<usize>(file));
    writeByte(58);
    writeNumber(line);
    writeByte(41);
  }
  writeByte(10);
  unreachable();
}

function writeByte(byte: u8): void {
  store<u8>(ends, byte);
  writeAll(2, ends, 1);
}

// Piece by piece: a code unit takes at most 3 bytes in UTF-8, a pair of surrogates 4.
function writeText(text: usize): void {
  if (text == 0) return;
  const end = text + load<u32>(text - 4);
  while (text < end) {
    const pair = text + 2 < end && (load<u16>(text) & 0xfc00) == 0xd800;
    const bytes: usize = pair ? 4 : 2;
    writeAll(2, room, String.UTF8.encodeUnsafe(text, <i32>(bytes >> 1), room));
    text += bytes;
  }
}

function writeNumber(value: u32): void {
  let digit = room + 20;
  do {
    digit--;
    store<u8>(digit, <u8>(48 + (value % 10)));
    value /= 10;
  } while (value != 0);
  writeAll(2, digit, room + 20 - digit);
}
