/** Text from UTF-8 bytes, such as a message's body. Broken bytes become U+FFFD. */
export function decode(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** Text as UTF-8 bytes. */
export function encode(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}
