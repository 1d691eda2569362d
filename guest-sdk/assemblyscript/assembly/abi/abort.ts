// @ts-ignore: decorator
@external("motehost:agent/log@0.1.0", "write")
declare function write(level: i32, text: usize, units: i32, fields: usize, count: i32): void;

const errorLevel = 4;

// A failed allocation ends here too, so nothing is allocated on the way out.
const fields: usize = memory.data(32, 4);
const digits: usize = memory.data(20, 2);

/** A failed `throw` or assertion: says so in the log, with `file` and `line` as fields, and traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  let digit = digits + 20;
  do {
    digit -= 2;
    store<u16>(digit, <u16>(48 + (line % 10)));
    line /= 10;
  } while (line != 0);
  writeText(0, changetype<usize>("file"));
  writeText(8, changetype<usize>(file));
  writeText(16, changetype<usize>("line"));
  store<usize>(fields, digit, 24);
  store<u32>(fields, <u32>(digits + 20 - digit) >> 1, 28);
  const text = changetype<usize>(message);
  write(errorLevel, text, unitsOf(text), fields, 2);
  unreachable();
}

function writeText(offset: usize, text: usize): void {
  store<usize>(fields + offset, text);
  store<u32>(fields + offset, unitsOf(text), 4);
}

// Length of a string by its object header; 0 for null.
function unitsOf(text: usize): i32 {
  return text == 0 ? 0 : <i32>(load<u32>(text - 4) >> 1);
}
