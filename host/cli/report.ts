import { plainText } from '../errors.ts';
import type { EffectiveLimits, LimitName } from '../limits.ts';
import { limitNotes } from '../limits.ts';
import { describeFailure, type Outcome, type Usage } from '../outcome.ts';
import { demangled } from './demangle.ts';

const stackLinesMax = 8;
/** A failure's text is the agent's own and may be megabytes. */
const headlineCharsMax = 4096;
const frameNameCharsMax = 200;

/** `1.5 MiB`, `640 KiB`, `12 B`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${trimmed(bytes / 1024 ** 3)} GiB`;
  if (bytes >= 1024 ** 2) return `${trimmed(bytes / 1024 ** 2)} MiB`;
  if (bytes >= 1024) return `${trimmed(bytes / 1024)} KiB`;
  return `${bytes} B`;
}

/** Digits in threes; `Intl` would cost a short run several milliseconds of loading. */
function grouped(value: bigint | number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/** `fuel 1,234 · memory 64 KiB · 0.8 ms`. */
export function formatUsage(usage: Usage): string {
  return `fuel ${grouped(usage.fuel)} · memory ${formatBytes(usage.memoryBytes)} · ${formatMs(usage.wallMs)}`;
}

/** The last lines a person sees on stderr: how it ended, why, and what it used. */
export function formatOutcome(
  outcome: Outcome,
  effective: EffectiveLimits,
  denials: ReadonlyMap<string, string>,
): string {
  const denied = [...denials]
    .map(([what, cure]) => `${plainText(`host: denied: ${what}; ${cure}`)}\n`)
    .join('');
  const head = headline(outcome, effective);
  const shown = head.length > headlineCharsMax ? `${head.slice(0, headlineCharsMax)}…` : head;
  const end = `host: ${shown} · ${formatUsage(outcome.usage)}`;
  return `${denied}${plainText(end)}\n${stackOf(outcome)}`;
}

function headline(outcome: Outcome, effective: EffectiveLimits): string {
  switch (outcome.kind) {
    case 'ok':
      return 'ok';
    case 'error':
      return outcome.failure === undefined
        ? `exit ${outcome.exitCode}`
        : `failed: ${describeFailure(outcome.failure)}`;
    case 'trap':
      return `trap: ${outcome.trap}${outcome.message === outcome.trap ? '' : `: ${outcome.message}`}`;
    case 'limit':
      return `limit: ${describeLimit(outcome.limit, outcome.used, outcome.max, effective)}`;
    case 'cancelled':
      return `cancelled: ${outcome.reason}`;
    case 'denied':
      return `denied: ${outcome.reason}`;
  }
}

/** `fuel: 1,000,000 units allowed (--fuel), 1,000,400 used; raise it with --fuel`. */
export function describeLimit(
  name: LimitName,
  used: bigint | number,
  max: bigint | number,
  effective: EffectiveLimits,
): string {
  const { title, flag } = limitNotes[name];
  const source = effective.sources[name];
  const isFlag = source === flag || source === 'the default';
  const cure = isFlag ? `raise it with ${flag}` : `raise it in ${source}, which sets it`;
  return `${title}: ${amount(name, used)} used of ${amount(name, max)}; ${cure}`;
}

function amount(name: LimitName, value: bigint | number): string {
  const { unit } = limitNotes[name];
  if (unit === 'bytes') return formatBytes(Number(value));
  if (unit === 'ms') return formatMs(Number(value));
  return `${grouped(value)} ${unit}`;
}

/** The guest's frames only; those of the host would tell its reader nothing. */
function stackOf(outcome: Outcome): string {
  if (outcome.kind !== 'trap' || outcome.stack === undefined) return '';
  // A function may be called anything, line ends included: what begins as no frame does is part of a name.
  const frames = outcome.stack.split(/\n(?= {4}at )/).filter((frame) => frame.startsWith('    at '));
  const guest = frames.filter((frame) => frame.includes('wasm://')).map(nameAndPlace);
  const cause = guest.findIndex(({ name }) => !panicking.test(name));
  return guest
    .slice(Math.max(0, cause))
    .slice(0, stackLinesMax)
    .map((frame) => `${frameText(frame)}\n`)
    .join('');
}

/** How Rust ends itself, whatever the reason: a dozen functions on top of the one that a reader looks for. */
const panicking =
  /^(?:\S+\.wasm\.)?(?:abort$|std::(?:panicking|process|sys)::|core::panicking::|core::(?:option|result)::(?:unwrap|expect)_failed|__rustc::|rust_begin_unwind|rust_panic)/;

interface Frame {
  readonly name: string;
  readonly index: string;
}

/** `at NAME (wasm-function[3])`: the place is the end of the frame, whatever stands in the name. */
function nameAndPlace(frame: string): Frame {
  const place = frame.lastIndexOf('wasm://');
  const [index = ''] = /wasm-function\[\d{1,10}\]/.exec(frame.slice(place)) ?? [];
  return { name: demangled(frame.slice('    at '.length, place).replace(/ ?\($/, '')), index };
}

function frameText({ name, index }: Frame): string {
  const shown = name.length > frameNameCharsMax ? `${name.slice(0, frameNameCharsMax)}…` : name;
  return plainText(shown === '' ? `    at ${index}` : `    at ${shown} (${index})`);
}

/** The outcome as one JSON-able object: fuel as a decimal string (it may pass 2^53), bytes as text where they are text. */
export function outcomeJson(outcome: Outcome, streams: { stdout: Uint8Array; stderr: Uint8Array }): unknown {
  const usage = { ...outcome.usage, fuel: String(outcome.usage.fuel) };
  return {
    ...plain(outcome),
    usage,
    stdout: textOrBase64(streams.stdout),
    stderr: textOrBase64(streams.stderr),
  };
}

function plain(outcome: Outcome): Record<string, unknown> {
  const copy = JSON.stringify(outcome, (_, value) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Uint8Array) return textOrBase64(value);
    return isNumbers(value)
      ? Array.from(value, (each) => (typeof each === 'bigint' ? String(each) : each))
      : value;
  });
  return JSON.parse(copy) as Record<string, unknown>;
}

type Numbers = Iterable<number | bigint>;

/** A list of numbers other than bytes, which JSON would take for an object with indices as keys. */
function isNumbers(value: unknown): value is Numbers {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

export function textOrBase64(bytes: Uint8Array): string | { base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
