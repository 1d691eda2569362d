import { marks, records } from './marks.ts';
import type { LifeFacts } from './recorder.ts';
import { readEnd, type TurnEnd } from './turn-end.ts';
import { UnreadableValue, ValueReader } from './value-reader.ts';

/** What a host function came to. Bytes of a value are read when they are needed, for handles are in them. */
export type Answer =
  | { readonly kind: 'value' | 'error'; readonly bytes: Uint8Array }
  | { readonly kind: 'fault'; readonly text: string }
  | { readonly kind: 'pending' };

export type Step =
  | { readonly kind: 'call'; readonly name: string; readonly args: Uint8Array; readonly answer: Answer }
  | { readonly kind: 'later'; readonly pending: number; readonly answer: Answer }
  | { readonly kind: 'growth'; readonly isGranted: boolean };

/** One call of an export. */
export interface Turn {
  readonly kind: 'turn';
  readonly agent: string;
  /** When it was written down, milliseconds since 1970. */
  readonly atMs: number;
  readonly exported: string;
  readonly argument: Uint8Array;
  /** What happened between the turn before and this one: start functions, answers that came late. */
  readonly before: readonly Step[];
  readonly steps: readonly Step[];
  readonly end: TurnEnd;
}

/** The functions an instance was linked with. */
export interface Names {
  readonly functions: readonly string[];
  readonly suspending: readonly string[];
  /** Calls that wait are counted from 0 again: a life begins, or goes on in another run of the host. */
  readonly isFresh: boolean;
}

export const noNames: Names = { functions: [], suspending: [], isFresh: false };

export type HistoryRecord =
  | Turn
  | { readonly kind: 'life'; readonly agent: string; readonly facts: LifeFacts }
  | { readonly kind: 'names'; readonly agent: string; readonly names: Names }
  | { readonly kind: 'cut'; readonly agent: string; readonly reason: string }
  | { readonly kind: 'over' | 'back'; readonly agent: string }
  | { readonly kind: 'gap' };

/** The agent that a record is about. @throws UnreadableValue */
export function agentOf(record: Uint8Array): string {
  const reader = new ValueReader(record);
  reader.byte();
  return reader.text();
}

/** One of `marks.records`; undefined for nothing. */
export function kindOf(record: Uint8Array): number | undefined {
  return record[0];
}

/** `names` are those of the last record of names of the same agent. @throws UnreadableValue */
export function readRecord(record: Uint8Array, names: Names, atMs: number): HistoryRecord {
  const reader = new ValueReader(record);
  const kind = reader.byte();
  const agent = reader.text();
  switch (kind) {
    case records.life:
      return { kind: 'life', agent, facts: reader.value() as LifeFacts };
    case records.names:
      return { kind: 'names', agent, names: reader.value() as Names };
    case records.cut:
      return { kind: 'cut', agent, reason: reader.text() };
    case records.over:
      return { kind: 'over', agent };
    case records.back:
      return { kind: 'back', agent };
    case records.gap:
      return { kind: 'gap' };
    case records.turn:
      return readTurn(reader, agent, names, atMs);
    default:
      throw new UnreadableValue(`a record of kind ${kind}`);
  }
}

function readTurn(reader: ValueReader, agent: string, names: Names, atMs: number): Turn {
  const before = readSteps(reader, names);
  expect(reader.byte() === marks.begin, 'a turn without a beginning');
  const exported = reader.text();
  const argument = reader.skip();
  const steps = readSteps(reader, names);
  expect(reader.byte() === marks.end, 'a turn without an end');
  const end = readEnd(reader);
  expect(reader.isAtEnd, 'a turn that goes on after its end');
  return { kind: 'turn', agent, atMs, exported, argument, before, steps, end };
}

function readSteps(reader: ValueReader, names: Names): Step[] {
  const steps: Step[] = [];
  for (;;) {
    const step = readStep(reader, names);
    if (step === undefined) return steps;
    steps.push(step);
  }
}

function readStep(reader: ValueReader, names: Names): Step | undefined {
  switch (reader.peek()) {
    case marks.call:
      reader.byte();
      return readCall(reader, names);
    case marks.later:
      reader.byte();
      return { kind: 'later', pending: reader.varint(), answer: readAnswer(reader) };
    case marks.growth:
      reader.byte();
      return { kind: 'growth', isGranted: reader.byte() === 1 };
    default:
      return undefined;
  }
}

function readCall(reader: ValueReader, { functions }: Names): Step {
  const name = functions[reader.varint()];
  if (name === undefined) throw new UnreadableValue('a function without a name');
  return { kind: 'call', name, args: reader.skip(), answer: readAnswer(reader) };
}

function readAnswer(reader: ValueReader): Answer {
  const mark = reader.byte();
  if (mark === marks.value) return { kind: 'value', bytes: reader.skip() };
  if (mark === marks.error) return { kind: 'error', bytes: reader.skip() };
  if (mark === marks.fault) return { kind: 'fault', text: reader.text() };
  expect(mark === marks.pending, 'a call without an answer');
  return { kind: 'pending' };
}

function expect(isSo: boolean, fault: string): void {
  if (!isSo) throw new UnreadableValue(fault);
}
