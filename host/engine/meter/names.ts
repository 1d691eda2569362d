import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** How indices move in the rewritten module. */
export interface Renumbering {
  function(index: number): number;
  global(index: number): number;
}

const functionNames = 1;
const localNames = 2;
const labelNames = 3;
const globalNames = 7;

/**
 * Renumbers a name section's content (after its own name). Label names go, because loops get wrapped.
 * A malformed section is left out (undefined): it means nothing to an engine either.
 */
export function renumberNames(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: Renumbering,
): Writer | undefined {
  const writer = new Writer(end - start + 64);
  try {
    const reader = new Reader(bytes, start, end);
    reader.name();
    while (!reader.done) {
      const id = reader.byte();
      const size = reader.u32();
      const from = reader.pos;
      reader.skip(size);
      writeSubsection(writer, id, new Reader(bytes, from, reader.pos), to);
    }
  } catch {
    return undefined;
  }
  return writer;
}

function writeSubsection(writer: Writer, id: number, reader: Reader, to: Renumbering): void {
  if (id === labelNames) return;
  writer.byte(id);
  const sized = writer.openSized();
  if (id === functionNames) renumberMap(writer, reader, (index) => to.function(index));
  else if (id === globalNames) renumberMap(writer, reader, (index) => to.global(index));
  else if (id === localNames) renumberLocals(writer, reader, to);
  else writer.copy(reader.bytes, reader.pos, reader.end);
  writer.closeSized(sized);
}

function renumberMap(writer: Writer, reader: Reader, move: (index: number) => number): void {
  const count = reader.count();
  writer.u32(count);
  for (let entry = 0; entry < count; entry += 1) {
    writer.u32(move(reader.u32()));
    copyName(writer, reader);
  }
}

function copyName(writer: Writer, reader: Reader): void {
  const from = reader.pos;
  reader.skip(reader.u32());
  writer.copy(reader.bytes, from, reader.pos);
}

function renumberLocals(writer: Writer, reader: Reader, to: Renumbering): void {
  const count = reader.count();
  writer.u32(count);
  for (let entry = 0; entry < count; entry += 1) {
    writer.u32(to.function(reader.u32()));
    const names = reader.count();
    writer.u32(names);
    for (let name = 0; name < names; name += 1) {
      writer.u32(reader.u32());
      copyName(writer, reader);
    }
  }
}
