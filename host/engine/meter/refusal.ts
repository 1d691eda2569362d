import { HostError } from '../../errors.ts';

/** The bytes are not a valid module: says what was wrong and at which byte. */
export function malformed(what: string, byteOffset: number): HostError {
  return new HostError(
    'HOST_ERR_MODULE_MALFORMED',
    `not a valid WebAssembly module: ${what} at byte ${byteOffset}; build it again or check the file`,
    { what, byteOffset },
  );
}

/** The module uses a feature this host does not run: names it. */
export function unsupported(feature: string, byteOffset: number): HostError {
  return new HostError(
    'HOST_ERR_MODULE_UNSUPPORTED',
    `the module uses ${feature} (byte ${byteOffset}), which this host does not run; build it without`,
    { feature, byteOffset },
  );
}

/** The refusal of an operator at offset `at` that the analysis has no rule for. */
export function unknownOperator(opcode: number, at: number): HostError {
  if (opcode === 0xfe) return unsupported('threads (atomic operators)', at);
  if (opcode >= 0xe0 && opcode <= 0xe6) return unsupported('stack switching', at);
  return unsupported(`an unknown operator 0x${opcode.toString(16)}`, at);
}
