import { move, transferableSymbol, valueSymbol } from 'piscina';

/** As Piscina wants a task or an answer of which parts are moved: the other thread gets `value` itself. */
export function moving<T extends object>(value: T, transfer: readonly unknown[]): T {
  const marked: object = move({ [transferableSymbol]: transfer, [valueSymbol]: value });
  return marked as T;
}
