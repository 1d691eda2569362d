const preambleBytes = 8;
const customSection = 0;
const moduleSection = 1;
const componentLayer = 1;

/**
 * A module or component without its custom sections: names, producers and the like, which no host needs.
 * Core modules inside a component are stripped too. For bytes the toolchain just wrote: they are well-formed.
 */
export function stripCustomSections(bytes: Uint8Array): Uint8Array {
  const isComponent = bytes[6] === componentLayer;
  const parts: Uint8Array[] = [bytes.subarray(0, preambleBytes)];
  for (let at = preambleBytes; at < bytes.length; ) {
    const [size, body] = readLength(bytes, at + 1);
    const end = body + size;
    if (isComponent && bytes[at] === moduleSection) {
      const inner = stripCustomSections(bytes.subarray(body, end));
      parts.push(Uint8Array.of(moduleSection, ...lengthBytes(inner.length)), inner);
    } else if (bytes[at] !== customSection) {
      parts.push(bytes.subarray(at, end));
    }
    at = end;
  }
  return Buffer.concat(parts);
}

function readLength(bytes: Uint8Array, at: number): [length: number, next: number] {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [length, at];
  }
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  for (; length > 0x7f; length = Math.floor(length / 128)) bytes.push((length % 128) | 0x80);
  return [...bytes, length];
}
