import { requireStarted, state } from './state.js';

const bytesMax = 65_536;

function randomBytes(count) {
  requireStarted('random numbers');
  if (state.random === undefined)
    throw new Error('the world has no random numbers: it does not import wasi:random/random');
  return state.random.getRandomBytes(BigInt(count));
}

export const crypto = {
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || /^(Float|DataView)/.test(array.constructor.name))
      throw new TypeError('getRandomValues fills an array of whole numbers');
    if (array.byteLength > bytesMax)
      throw new DOMException(`at most ${bytesMax} bytes at once`, 'QuotaExceededError');
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength));
    return array;
  },
  randomUUID() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};

/** The generator's state: xoshiro128**, seeded at the first number, in the instance and not in the build. */
let words;

/** `Math.random`: 53 bits. */
export function random() {
  words ??= new Uint32Array(randomBytes(16).buffer);
  return ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

function next() {
  const result = Math.imul(rotate(Math.imul(words[1], 5), 7), 9);
  const shifted = words[1] << 9;
  words[2] ^= words[0];
  words[3] ^= words[1];
  words[1] ^= words[2];
  words[0] ^= words[3];
  words[2] ^= shifted;
  words[3] = rotate(words[3], 11);
  return result;
}

const rotate = (value, by) => (value << by) | (value >>> (32 - by));
