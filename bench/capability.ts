import { Capabilities } from '../host/capability/capabilities.ts';
import { Abi } from '../host/engine/fast-lane/abi.ts';
import { liftText } from '../host/engine/fast-lane/text.ts';
import { type Grants, noGrants } from '../host/manifest/grants.ts';
import { measureFresh } from './fresh.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { percentile } from './samples.ts';

const grantCount = 10_000;
/** Subjects that come again and again: as many as an agent's memory of verdicts surely keeps. */
const usualCount = 512;
const path = 'agents/bench/agent.toml';

interface Case {
  readonly name: string;
  readonly pattern: (index: number) => string;
  /** A subject of the pattern with this index; `salt` makes it another one. */
  readonly subject: (index: number, salt: string) => string;
}

const cases: readonly Case[] = [
  {
    name: 'a > at the end',
    pattern: (index) => `tenant-${index}.orders.>`,
    subject: (index, salt) => `tenant-${index}.orders.${salt}.created`,
  },
  {
    name: 'a * in the middle',
    pattern: (index) => `tenant-${index}.orders.*.created`,
    subject: (index, salt) => `tenant-${index}.orders.${salt}.created`,
  },
  {
    name: 'a * in front',
    pattern: (index) => `*.orders-${index}.>`,
    subject: (index, salt) => `tenant-${salt}.orders-${index}.created`,
  },
  {
    name: 'no wildcard',
    pattern: (index) => `tenant-${index}.orders.eu.created`,
    subject: (index) => `tenant-${index}.orders.eu.created`,
  },
];

/** Nanoseconds of one check. */
interface Times {
  readonly same: number;
  readonly lifted: number;
  readonly lift: number;
  readonly anew: number;
  readonly fresh: number;
  readonly denied: number;
  readonly delegated: number;
}

function grantsOf(one: Case): Grants {
  const send = Array.from({ length: grantCount }, (_, index) => one.pattern(index));
  return { ...noGrants, bus: { ...noGrants.bus, send } };
}

const blockCount = 128;

/** An equal string, new and in one piece. */
function copyOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const guestTextBytes = 64;

/** A guest's memory, out of which the lane lifts texts. */
class Guest {
  readonly #memory = new WebAssembly.Memory({ initial: 1 });
  readonly #abi = new Abi(this.#memory, undefined, { enter: () => {}, leave: () => {} });
  #lengths: number[] = [];

  /** Has these in its memory from now on. */
  holds(texts: readonly string[]): this {
    const bytes = Buffer.from(this.#memory.buffer);
    this.#lengths = texts.map((text, index) => bytes.write(text, index * guestTextBytes));
    this.#abi.beginLift();
    return this;
  }

  lift(index: number): string {
    return liftText.utf8(this.#abi, index * guestTextBytes, this.#lengths[index] ?? 0);
  }

  liftAll(): string[] {
    return this.#lengths.map((_, index) => this.lift(index));
  }
}

const guest = new Guest();

/** How the texts of a block are made before they are asked about. */
type Making = (texts: readonly string[]) => readonly string[];
/** New and without a hash. */
const anew: Making = (texts) => texts.map(copyOf);
/** As they come out of a guest's memory. */
const lifted: Making = (texts) => guest.holds(texts).liftAll();

/** Nanoseconds of lifting one text, block by block. */
function timedLift(texts: readonly string[]): number[] {
  const blocksNs: number[] = [];
  for (let from = 0; from < texts.length; from += blockCount) {
    const block = texts.slice(from, from + blockCount);
    guest.holds(block);
    let units = 0;
    const fromNs = process.hrtime.bigint();
    for (let at = 0; at < block.length; at += 1) units += guest.lift(at).length;
    blocksNs.push(Number(process.hrtime.bigint() - fromNs) / block.length);
    if (units !== block.reduce((sum, { length }) => sum + length, 0)) throw new Error('wrong texts');
  }
  return blocksNs;
}

/**
 * Nanoseconds per check, block by block, of texts that all get the same verdict; made some at a time, so that they are
 * as near as just made ones are.
 */
function timed(held: Capabilities, texts: readonly string[], expected: boolean, make: Making): number[] {
  let wrong = 0;
  const blocksNs: number[] = [];
  for (let from = 0; from < texts.length; from += blockCount) {
    const asked = make(texts.slice(from, from + blockCount));
    const fromNs = process.hrtime.bigint();
    for (let at = 0; at < asked.length; at += 1) if (held.maySend(asked[at] ?? '') !== expected) wrong += 1;
    blocksNs.push(Number(process.hrtime.bigint() - fromNs) / asked.length);
  }
  if (wrong > 0) throw new Error(`${wrong} wrong verdicts`);
  return blocksNs;
}

function delegatedThrice(held: Capabilities, grants: Grants): Capabilities {
  return held.delegate(grants).delegate(grants).delegate(grants);
}

function measure(one: Case, rounds: number): Times {
  const grants = grantsOf(one);
  const held = Capabilities.of(grants, path);
  const child = delegatedThrice(held, grants);
  const indexOf = (number: number): number => (number * 7919) % grantCount;
  const usual = Array.from({ length: usualCount }, (_, number) => copyOf(one.subject(indexOf(number), 'eu')));
  const many = Array.from({ length: 20_000 }, (_, number) => usual[number % usualCount] ?? '');
  const samples: Record<keyof Times, number[]> = {
    same: [],
    lifted: [],
    lift: [],
    anew: [],
    fresh: [],
    denied: [],
    delegated: [],
  };
  // What is lifted is the same string from the third time on, and first known of those.
  for (let times = 0; times < 4; times += 1) timed(held, many, true, lifted);
  const same = Array.from({ length: 1000 }, () => usual[0] ?? '');
  for (let pass = 0; pass < rounds; pass += 1) {
    const fresh = Array.from({ length: 10_000 }, (_, number) =>
      one.subject(indexOf(number), `${pass}-${number}`),
    );
    const denied = fresh.map((text) => `${text}x`.replace('orders', 'prices'));
    samples.fresh.push(...timed(held, fresh, true, anew));
    samples.denied.push(...timed(held, denied, false, anew));
    timed(held, usual, true, anew);
    samples.same.push(...timed(held, same, true, anew));
    samples.lifted.push(...timed(held, many, true, lifted));
    samples.lift.push(...timedLift(many));
    samples.anew.push(...timed(held, many, true, anew));
    samples.delegated.push(...timed(child, many, true, lifted));
  }
  const warm = (name: keyof Times): number =>
    percentile(samples[name].slice(samples[name].length >> 2), 0.25);
  return {
    same: warm('same'),
    lifted: warm('lifted'),
    lift: warm('lift'),
    anew: warm('anew'),
    fresh: warm('fresh'),
    denied: warm('denied'),
    delegated: warm('delegated'),
  };
}

/** Bytes of heap of one agent's capabilities, when many have the same grants, or none. */
function measureSize(grants: Grants, count: number): number {
  const held: Capabilities[] = new Array(count);
  held[0] = Capabilities.of(grants, path);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let at = 1; at < count; at += 1) held[at] = Capabilities.of(structuredClone(grants), path);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / (count - 1);
  if (held[count - 1]?.maySend('nowhere') !== false) throw new Error('wrong verdict');
  return bytes;
}

const someGrants: Grants = {
  ...noGrants,
  bus: { send: ['agent.audit', 'prices.>'], publish: ['orders.*.created'], subscribe: ['orders.>'] },
};

function report(effort: Effort): Report {
  const rounds = effort.quick ? '20' : '100';
  const times = cases.map((one) => measureFresh<Times>(import.meta.filename, ['times', one.name, rounds]));
  const [empty = Number.NaN, some = Number.NaN] = measureFresh<number[]>(import.meta.filename, ['sizes']);
  const worst = (name: keyof Times): number => Math.max(...times.map((one) => one[name]));
  return {
    question,
    columns: [
      '10,000 grants with',
      'the last ns',
      'seen, lifted',
      'lifting it',
      'seen, made anew',
      'new',
      'new, denied',
      'seen, delegated',
    ],
    rows: cases.map(({ name }, index) => {
      const one = times[index];
      return [
        name,
        ...[one?.same, one?.lifted, one?.lift, one?.anew, one?.fresh, one?.denied, one?.delegated].map((ns) =>
          round(ns ?? Number.NaN),
        ),
      ];
    }),
    marks: [
      atMost('the subject asked for last, made anew', worst('same'), 50, 'ns'),
      atMost('a subject seen before, as the lane lifts it', worst('lifted'), 50, 'ns'),
      atMost('a new subject, allowed', worst('fresh'), 500, 'ns'),
      atMost('a new subject, denied', worst('denied'), 500, 'ns'),
      atMost('heap of an agent without grants', empty, 128, 'bytes'),
      atMost('heap of an agent whose grants another has', some, 128, 'bytes'),
    ],
    remarks: [
      `the last: one subject again and again, made anew; seen: ${usualCount} subjects in turns; lifted: as the fast lane lifts them out of a guest's memory, and what that costs by itself; made anew: equal strings, so read anew; delegated: lifted, through three hands.`,
      `new: every subject once. Lower quartile of blocks of ${blockCount}; each row in a process of its own.`,
    ],
  };
}

const question = 'What does it cost to ask whether an agent may?';

export const bench: Bench = {
  name: 'capability',
  question,
  run: async (effort) => report(effort),
};

if (import.meta.main) {
  const [, , what, name, rounds] = process.argv;
  const one = cases.find((other) => other.name === name);
  const measured =
    what === 'sizes' || one === undefined
      ? [measureSize(noGrants, 200_000), measureSize(someGrants, 50_000)]
      : measure(one, Number(rounds));
  process.stdout.write(JSON.stringify(measured));
}
