import type { HostErrorClass } from '../errors.ts';
import type { Outcome } from '../outcome.ts';

/**
 * The exit codes of `host`, beside the program's own. Where a number has a meaning elsewhere it keeps it:
 * sysexits.h for 64-77, `timeout` for 124, shells for 128 + signal, Wasmtime for 134.
 */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 64,
  badInput: 65,
  notFound: 66,
  unavailable: 69,
  internal: 70,
  outputLost: 74,
  denied: 77,
  limit: 124,
  cancelled: 130,
  trap: 134,
} as const;

const classCodes: Readonly<Record<HostErrorClass, number>> = {
  usage: exitCodes.usage,
  'bad-input': exitCodes.badInput,
  'not-found': exitCodes.notFound,
  unavailable: exitCodes.unavailable,
  denied: exitCodes.denied,
};

export function exitCodeOfError(errorClass: HostErrorClass): number {
  return classCodes[errorClass];
}

export function exitCodeOf(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'ok':
      return exitCodes.ok;
    case 'error':
      return exitCodeOfGuest(outcome.exitCode);
    case 'trap':
      return exitCodes.trap;
    case 'limit':
      return exitCodes.limit;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'denied':
      return exitCodes.denied;
  }
}

const exitCodeMax = 255;

/** The system keeps eight bits of an exit code: 256 would look like success, so what does not fit is a plain failure. */
function exitCodeOfGuest(exitCode: number): number {
  return exitCode <= exitCodeMax ? exitCode : exitCodes.failure;
}
