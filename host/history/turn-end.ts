import type { LimitName } from '../limits.ts';
import type { Outcome, TrapKind } from '../outcome.ts';
import { UnreadableValue, type ValueReader } from './value-reader.ts';
import type { ValueWriter } from './value-writer.ts';

/** How a turn ended, as far as it follows from program and inputs. */
export interface TurnEnd {
  readonly kind: Outcome['kind'];
  readonly fuel: bigint;
  readonly memoryBytes: number;
  readonly outputBytes: number;
  /** `ok`: what the export returned; `error`: the failure. */
  readonly value: unknown;
  /** `trap`: its kind; `limit`: its name; `cancelled`, `denied`: the reason. */
  readonly why: TrapKind | LimitName | string | undefined;
}

const kinds: readonly Outcome['kind'][] = ['ok', 'error', 'trap', 'limit', 'cancelled', 'denied'];

export function turnEnd(outcome: Outcome): TurnEnd {
  const { kind, usage } = outcome;
  const { fuel, memoryBytes, outputBytes } = usage;
  return { kind, fuel, memoryBytes, outputBytes, value: givenBy(outcome), why: whyOf(outcome) };
}

function givenBy(outcome: Outcome): unknown {
  if (outcome.kind === 'ok') return outcome.value;
  return outcome.kind === 'error' ? outcome.failure : undefined;
}

function whyOf(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'trap':
      return outcome.trap;
    case 'limit':
      return outcome.limit;
    case 'cancelled':
    case 'denied':
      return outcome.reason;
    default:
      return undefined;
  }
}

/** Kind, fuel (8 bytes), memory and output in bytes, why, value. @throws UnwritableValue */
export function writeEnd(writer: ValueWriter, outcome: Outcome): void {
  const { usage } = outcome;
  writer.byte(kinds.indexOf(outcome.kind));
  writer.natural(usage.fuel);
  writer.varint(usage.memoryBytes);
  writer.varint(usage.outputBytes);
  writer.value(whyOf(outcome));
  writer.value(givenBy(outcome));
}

/** @throws UnreadableValue */
export function readEnd(reader: ValueReader): TurnEnd {
  const kind = kinds[reader.byte()];
  if (kind === undefined) throw new UnreadableValue('an unknown end of a turn');
  const fuel = reader.natural();
  const memoryBytes = reader.varint();
  const outputBytes = reader.varint();
  const why = reader.value();
  if (why !== undefined && typeof why !== 'string') throw new UnreadableValue('an end for no reason');
  return { kind, fuel, memoryBytes, outputBytes, why, value: reader.value() };
}
