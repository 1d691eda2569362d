import { Body } from './added.ts';
import type { Writer } from './writer.ts';

/** What a shield refers to: indices of the imported tag of JavaScript's exceptions and of the import that notes an escape. */
export interface ShieldTargets {
  readonly foreignTag: number;
  readonly escaped: number;
}

const block = 0x02;
const tryTable = 0x1f;
const empty = 0x40;
const externref = 0x6f;
const catchTag = 0;
const catchAll = 2;

/**
 * The body of a function that calls function `callee` and lets no exception out: it ends the component that threw
 * it, whoever called. The host is told what its own functions threw, or null for an exception of the guest's.
 */
export function writeShield(
  writer: Writer,
  callee: number,
  params: number,
  { foreignTag, escaped }: ShieldTargets,
): void {
  const body = new Body(writer).op(0);
  body.op(block, empty).op(block, externref);
  body.op(tryTable, empty, 2, catchTag, foreignTag, 0, catchAll, 1);
  for (let param = 0; param < params; param += 1) body.localGet(param);
  body.call(callee).op(0x0f).end();
  body.op(0x00).end();
  body.call(escaped).op(0x00).end();
  body.op(0xd0, externref).call(escaped).op(0x00).end();
}
