import { type AddedFunctions, type AddedTypes, Body } from './added.ts';
import { type Plan, patch } from './plan.ts';
import { unsupported } from './refusal.ts';
import { plainTwin, relaxedFunction } from './relaxed.ts';
import type { ModuleView } from './view.ts';
import { wideFunction } from './wide.ts';

/** A function that stands for an operator: one that the engine lacks, or runs otherwise on other machines. */
export interface Substitute {
  /** Encoded value types. */
  readonly params: readonly (readonly number[])[];
  readonly results: readonly (readonly number[])[];
  readonly write: (body: Body) => void;
}

/**
 * Plans what stands for the operator at [start, end), which is `code` of prefix 0xFC or 0xFD: a plain operator in
 * its place or a call.
 * @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` where nothing does
 */
export function planSubstitute(
  plan: Plan,
  view: ModuleView,
  [start, end]: readonly [start: number, end: number],
  prefix: 0xfc | 0xfd,
  code: number,
): void {
  const plain = prefix === 0xfd ? plainTwin(code) : undefined;
  if (plain !== undefined) plan.add(patch.index, start + 1, end, plain);
  else if (substituteOf(prefix, code) === undefined)
    throw unsupported(`operator 0x${prefix.toString(16).toUpperCase()} ${code}`, start);
  else plan.add(patch.helper, start, end, view.substitute(prefix, code));
}

function substituteOf(prefix: number, code: number): Substitute | undefined {
  return prefix === 0xfc ? wideFunction(code) : relaxedFunction(code);
}

/** Index of the function that stands for an operator. */
export function substitute(
  types: AddedTypes,
  functions: AddedFunctions,
  prefix: number,
  code: number,
): number {
  const found = substituteOf(prefix, code);
  if (found === undefined) throw new Error(`bug: nothing stands for operator ${prefix} ${code}`);
  const type = types.index(found.params, found.results);
  return functions.index(`operator ${prefix} ${code}`, () => ({
    type,
    write: (writer) => found.write(new Body(writer)),
  }));
}
