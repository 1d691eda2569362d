import { deserialize, serialize } from 'node:v8';
import type { LimitName } from '../limits.ts';
import type { Outcome, TrapKind, Usage } from '../outcome.ts';
import type { BusError, Failure } from './message.ts';
import { type Eye, type Pen, textBytesMax } from './pen.ts';

export type AnswerOutcome = Outcome<Uint8Array | undefined>;

const kinds = [
  'ok',
  'error',
  'trap',
  'limit',
  'cancelled',
  'denied',
] as const satisfies AnswerOutcome['kind'][];
/** Bytes of an outcome without its texts and its guest value, at most. */
const fixedBytesMax = 96;
const [absent, present] = [0, 1];
const [asNumber, asBigint] = [0, 1];

/** What a guest's failure may be is a value of any WIT type: the engine's own structured clone takes them all. */
export function guestValueOf(outcome: AnswerOutcome): Uint8Array | undefined {
  return outcome.kind === 'error' && 'failure' in outcome ? serialize(outcome.failure) : undefined;
}

/** @param guestValue what `guestValueOf` answered */
export function outcomeBytesMax(outcome: AnswerOutcome, guestValue: Uint8Array | undefined): number {
  const bytes = fixedBytesMax + (guestValue?.length ?? 0);
  switch (outcome.kind) {
    case 'trap':
      return bytes + textBytesMax(outcome.trap) + textBytesMax(outcome.message) + textBytesMax(outcome.stack);
    case 'limit':
      return bytes + textBytesMax(outcome.limit);
    case 'cancelled':
    case 'denied':
      return bytes + textBytesMax(outcome.reason);
    default:
      return bytes;
  }
}

/** Everything but the bytes an `ok` returned, which travel as the frame's body. */
export function writeOutcome(pen: Pen, outcome: AnswerOutcome, guestValue: Uint8Array | undefined): void {
  pen.u32(kinds.indexOf(outcome.kind));
  writeUsage(pen, outcome.usage);
  switch (outcome.kind) {
    case 'ok':
      pen.u32(outcome.value === undefined ? absent : present);
      break;
    case 'error':
      pen.f64(outcome.exitCode);
      pen.u32(guestValue === undefined ? absent : present);
      if (guestValue !== undefined) pen.bytes(guestValue);
      break;
    case 'trap':
      pen.text(outcome.trap);
      pen.text(outcome.message);
      pen.text(outcome.stack);
      break;
    case 'limit':
      pen.text(outcome.limit);
      writeNumber(pen, outcome.max);
      writeNumber(pen, outcome.used);
      break;
    case 'cancelled':
    case 'denied':
      pen.text(outcome.reason);
      break;
  }
}

export function readOutcome(eye: Eye, body: Uint8Array): AnswerOutcome {
  const kind = kinds[eye.u32()];
  const usage = readUsage(eye);
  switch (kind) {
    case 'ok':
      return { kind, value: eye.u32() === present ? body : undefined, usage };
    case 'error':
      return readError(eye, usage);
    case 'trap':
      return readTrap(eye, usage);
    case 'limit':
      return { kind, limit: textOf(eye) as LimitName, max: readNumber(eye), used: readNumber(eye), usage };
    case 'cancelled':
    case 'denied':
      return { kind, reason: textOf(eye), usage };
    default:
      throw new Error('bug: a frame with an outcome of no kind');
  }
}

function readError(eye: Eye, usage: Usage): AnswerOutcome {
  const exitCode = eye.f64();
  if (eye.u32() === absent) return { kind: 'error', exitCode, usage };
  return { kind: 'error', exitCode, failure: deserialize(eye.bytes()), usage };
}

function readTrap(eye: Eye, usage: Usage): AnswerOutcome {
  const trap = textOf(eye) as TrapKind;
  const message = textOf(eye);
  const stack = eye.text();
  return stack === undefined
    ? { kind: 'trap', trap, message, usage }
    : { kind: 'trap', trap, message, stack, usage };
}

function textOf(eye: Eye): string {
  const text = eye.text();
  if (text === undefined) throw new Error('bug: a frame without a text it must have');
  return text;
}

function writeUsage(pen: Pen, usage: Usage): void {
  pen.u64(usage.fuel);
  pen.f64(usage.memoryBytes);
  pen.f64(usage.wallMs);
  pen.f64(usage.outputBytes);
}

function readUsage(eye: Eye): Usage {
  return { fuel: eye.u64(), memoryBytes: eye.f64(), wallMs: eye.f64(), outputBytes: eye.f64() };
}

function writeNumber(pen: Pen, value: bigint | number): void {
  pen.u32(typeof value === 'bigint' ? asBigint : asNumber);
  if (typeof value === 'bigint') pen.u64(value);
  else pen.f64(value);
}

function readNumber(eye: Eye): bigint | number {
  return eye.u32() === asBigint ? eye.u64() : eye.f64();
}

/** What of a refusal is a guest's own words. */
export function failureOf(error: BusError): Uint8Array | undefined {
  return error.tag === 'failed' ? serialize(error.val) : undefined;
}

/** @param failure what `failureOf` answered */
export function refusalBytesMax(error: BusError, failure: Uint8Array | undefined): number {
  const own = 'val' in error && typeof error.val === 'string' ? textBytesMax(error.val) : 0;
  return fixedBytesMax + own + (failure?.length ?? 0);
}

export function writeRefusal(pen: Pen, error: BusError, failure: Uint8Array | undefined): void {
  pen.text(error.tag);
  if (failure !== undefined) pen.bytes(failure);
  else if (!('val' in error)) return;
  else if (error.tag === 'too-late') {
    pen.f64(error.val.forecastMs);
    pen.f64(error.val.deadlineMs);
  } else if (typeof error.val === 'string') pen.text(error.val);
  else if (typeof error.val !== 'object') writeNumber(pen, error.val);
}

export function readRefusal(eye: Eye): BusError {
  const tag = textOf(eye) as BusError['tag'];
  switch (tag) {
    case 'full':
    case 'rate-limited':
      return { tag, val: Number(readNumber(eye)) };
    case 'too-large':
      return { tag, val: BigInt(readNumber(eye)) };
    case 'invalid-subject':
    case 'unsupported':
    case 'other':
      return { tag, val: textOf(eye) };
    case 'too-late':
      return { tag, val: { forecastMs: eye.f64(), deadlineMs: eye.f64() } };
    case 'failed':
      return { tag, val: deserialize(eye.bytes()) as Failure };
    default:
      return { tag };
  }
}
