/** For `JSON.stringify`: bytes as text where they are text, large numbers as numbers or else as their digits. */
export function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return textOrBase64(value);
  if (ArrayBuffer.isView(value)) return Object.values(value);
  return value;
}

function textOrBase64(value: Uint8Array): unknown {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value);
  } catch {
    return { base64: Buffer.from(value).toString('base64') };
  }
}
