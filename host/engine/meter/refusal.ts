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
