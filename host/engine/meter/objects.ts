import type { TypeTable } from './types.ts';

/** Two words before a struct's fields, three before an array's elements. */
const structHeaderBytes = 16;
export const arrayHeaderBytes = 24;
/** V8 keeps an exception as two objects and each value in pieces of 16 bits: at most 64 bytes for a vector. */
const exceptionHeaderBytes = 64;
const exceptionValueBytes = 64;

/** Bytes that a struct of `type` takes of V8's heap, at most. */
export function structBytes(types: TypeTable, type: number): number {
  return structHeaderBytes + (types.sizes[type] as number);
}

/** Bytes that an array of `type` with `length` elements takes of V8's heap, at most. */
export function arrayBytes(types: TypeTable, type: number, length: number): number {
  return arrayHeaderBytes + length * (types.sizes[type] as number);
}

/** Bytes that an exception with `values` values takes of V8's heap, at most. */
export function exceptionBytes(values: number): number {
  return exceptionHeaderBytes + values * exceptionValueBytes;
}
