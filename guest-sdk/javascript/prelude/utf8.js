const chunkUnits = 8192;
const replacement = 0xfffd;

/** Text as UTF-8 bytes; a surrogate without its other half becomes U+FFFD. */
export function encode(text) {
  // `encodeURIComponent` is the engine's own encoder: one escape or character for each byte.
  const bytes = unescape(encodeURIComponent(text.toWellFormed()));
  const out = new Uint8Array(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) out[index] = bytes.charCodeAt(index);
  return out;
}

/** Text from UTF-8 bytes, such as a message's body. Broken bytes become U+FFFD. */
export function decode(bytes) {
  return decodeStrict(bytes) ?? decodeBroken(bytes);
}

/** Text from UTF-8 bytes, or undefined when they are none. */
export function decodeStrict(bytes) {
  const units = unitsOf(bytes);
  if (/^[\0-\x7f]*$/.test(units)) return units;
  try {
    return decodeURIComponent(escape(units));
  } catch {
    return undefined;
  }
}

/** One character per byte. */
function unitsOf(bytes) {
  let units = '';
  for (let start = 0; start < bytes.length; start += chunkUnits)
    units += String.fromCharCode.apply(null, bytes.subarray(start, start + chunkUnits));
  return units;
}

/** As the Encoding Standard wants it: one U+FFFD for the longest beginning of a character. */
function decodeBroken(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const [point, length] = characterAt(bytes, at);
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

function characterAt(bytes, start) {
  const first = bytes[start];
  if (first < 0x80) return [first, 1];
  const count =
    first >= 0xc2 && first <= 0xdf
      ? 1
      : first >= 0xe0 && first <= 0xef
        ? 2
        : first >= 0xf0 && first <= 0xf4
          ? 3
          : 0;
  if (count === 0) return [replacement, 1];
  // The second byte's range shuts out long forms, surrogates and what is beyond U+10FFFF.
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let point = first & (0x3f >> count);
  for (let step = 1; step <= count; step += 1) {
    const byte = bytes[start + step];
    if (byte === undefined || byte < low || byte > high) return [replacement, step];
    point = (point << 6) | (byte & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return [point, count + 1];
}
