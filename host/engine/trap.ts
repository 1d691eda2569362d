import type { TrapKind } from '../outcome.ts';

/** A guest's abnormal end on its way up to the invocation, where it becomes an `Outcome`. */
export class Trap extends Error {
  override readonly name = 'Trap';
  readonly kind: TrapKind;
  constructor(kind: TrapKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** V8's messages, from its message templates (`kTrap*` in src/common/message-template.h). */
const v8Messages: readonly (readonly [pattern: RegExp, kind: TrapKind])[] = [
  [/^unreachable/, 'unreachable'],
  [/^memory access out of bounds|^operation does not support unaligned/, 'memory-out-of-bounds'],
  [/^divide by zero|^remainder by zero/, 'integer-divide-by-zero'],
  [/^divide result unrepresentable/, 'integer-overflow'],
  [/^float unrepresentable/, 'bad-conversion-to-integer'],
  [
    /^table index is out of bounds|^table access out of bounds|^element segment out of bounds|^table or element/,
    'table-out-of-bounds',
  ],
  [/^null function or function signature mismatch|signature mismatch/, 'indirect-call-type-mismatch'],
  [/^dereferencing a null pointer/, 'null-reference'],
  [/^illegal cast/, 'cast-failure'],
  [/^array element access out of bounds|^array access out of bounds/, 'array-out-of-bounds'],
  [/^requested new array is too large|^invalid array length/, 'allocation-too-large'],
  [/^data segment out of bounds|^data segment/, 'memory-out-of-bounds'],
  [/cannot enter component instance/, 'canonical-abi'],
];

/** Names what V8 threw out of a guest's call. A `Trap` passes through; anything foreign is a host fault. */
export function classify(thrown: unknown): Trap {
  if (thrown instanceof Trap) return thrown;
  if (thrown instanceof RangeError && /call stack/.test(thrown.message))
    return new Trap('stack-overflow', 'the guest used up its stack', thrown);
  if (thrown instanceof WebAssembly.Exception)
    return new Trap('uncaught-exception', 'the guest threw an exception nobody caught', thrown);
  if (thrown instanceof Error && thrown.name === 'SuspendError') {
    return new Trap(
      'cannot-block',
      'the guest waited where it cannot: in a start function, an allocation or between two linked components',
      thrown,
    );
  }
  if (thrown instanceof WebAssembly.RuntimeError) {
    const message = thrown.message.replace(/^wasm trap: /, '');
    return new Trap(v8Messages.find(([pattern]) => pattern.test(message))?.[1] ?? 'unknown', message, thrown);
  }
  return new Trap('host-fault', thrown instanceof Error ? thrown.message : String(thrown), thrown);
}
