import { Dispatcher } from '../host/agent/dispatcher.ts';
import { Bus } from '../host/bus/bus.ts';
import type { ReceiverTerms } from '../host/bus/delivery.ts';
import { Directory, defaultMailbox } from '../host/bus/directory.ts';
import type { Payload } from '../host/bus/message.ts';
import { Wheel } from '../host/clock/wheel.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import type { Outcome } from '../host/outcome.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { pingAtomics, pingPort } from './ring.ts';
import { median, percentile } from './samples.ts';
import { type Language, TalkingHost } from './talking-host.ts';
import { ThreadTimes } from './thread-times.ts';

const payload: Payload = { contentType: undefined, headers: [], body: new Uint8Array(64) };
const principal = { name: 'bench' };

/** What was measured of one way to talk: samples of µs each message, and the processor's µs of the two busiest threads. */
interface Way {
  readonly us: readonly number[];
  readonly cpuUs: readonly [number, number];
}

interface Talk {
  readonly near: Way;
  readonly far: Way;
  readonly once: Way;
  readonly atLeastOnce: Way;
}

const us = ({ us: samples }: Way): number => median(samples);
const perSecond = (way: Way): number => 1e6 / us(way);

/** Tells the talker the same thing `rounds` times, each time to do something `count` times; the first round warms up. */
async function measure(host: TalkingHost, words: string, count: number, rounds: number): Promise<Way> {
  await host.tell('talker', words.replace('N', String(count)));
  const times = new ThreadTimes();
  const samples: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const fromMs = performance.now();
    await host.tell('talker', words.replace('N', String(count)));
    samples.push(((performance.now() - fromMs) * 1000) / count);
  }
  const [first = 0, second = 0] = times.busiestUs();
  return { us: samples, cpuUs: [first / (count * rounds), second / (count * rounds)] };
}

/** Agents of one language that talk in one thread and between two. */
async function talk(language: Language, isQuick: boolean): Promise<Talk> {
  const host = await TalkingHost.start(2);
  try {
    // They go to threads 1, 2, 1 and 2.
    await host.install(language, [
      ['talker', 'talker'],
      ['far', 'listener'],
      ['near', 'listener'],
      ['sink', 'listener'],
    ]);
    const many = isQuick ? 20_000 : 100_000;
    const rounds = isQuick ? 5 : 15;
    // Warm first, then many short rounds, so that the median says something about one round trip.
    await host.tell('talker', `ask ${many} near`);
    const near = await measure(host, 'ask N near', 2000, rounds * 4);
    const far = await measure(host, 'ask N far', 500, rounds * 4);
    const once = await measure(host, 'shout N sink', many, rounds);
    const atLeastOnce = await measure(host, 'send N sink', many, rounds);
    return { near, far, once, atLeastOnce };
  } finally {
    await host.close();
  }
}

/** What agents of one thread and of two pay when every message and invocation is on the audit chain, with its digest. */
async function recorded(language: Language, isQuick: boolean): Promise<Pick<Talk, 'near' | 'once'>> {
  const host = await TalkingHost.start(2, { auditLevel: 'messages' });
  try {
    await host.install(language, [
      ['talker', 'talker'],
      ['sink', 'listener'],
      ['near', 'listener'],
    ]);
    const many = isQuick ? 20_000 : 100_000;
    const rounds = isQuick ? 5 : 15;
    await host.tell('talker', `ask ${many} near`);
    const near = await measure(host, 'ask N near', 2000, rounds * 4);
    const once = await measure(host, 'shout N sink', many, rounds);
    return { near, once };
  } finally {
    await host.close();
  }
}

/** Messages a second from the host to 10,000 agents of one thread, each message to another one. */
async function crowd(language: Language, isQuick: boolean): Promise<Way> {
  const host = await TalkingHost.start(1);
  try {
    await host.install(language, [['listener', 'listener']]);
    const names = Array.from({ length: 10_000 }, (_, index) => `listener-${index}`);
    await host.serving.spawn('listener', names);
    await sendToAll(host, names);
    const times = new ThreadTimes();
    const samples: number[] = [];
    const rounds = isQuick ? 5 : 30;
    for (let at = 0; at < rounds; at += 1) {
      const fromMs = performance.now();
      await sendToAll(host, names);
      samples.push(((performance.now() - fromMs) * 1000) / names.length);
    }
    const [first = 0, second = 0] = times.busiestUs();
    return { us: samples, cpuUs: [first / (rounds * names.length), second / (rounds * names.length)] };
  } finally {
    await host.close();
  }
}

/** One to each; the last one is asked, and answers when all before it on the way were handed over. */
async function sendToAll({ serving }: TalkingHost, names: readonly string[]): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (const name of names) sent.push(serving.send(name, payload, { principal, guarantee: 'at-most-once' }));
  await Promise.all(sent);
  await serving.invoke(names.at(-1) ?? '', payload, { principal });
}

const done: Outcome<undefined> = {
  kind: 'ok',
  value: undefined,
  usage: { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 },
};
const terms: ReceiverTerms = {
  mailbox: defaultMailbox,
  redelivery: { attemptsMax: 5, backoffMs: 1000, backoffMsMax: 60_000 },
  rate: { perSecond: 1e9, burst: 1e9 },
  messageBytesMax: 1024 * 1024,
};

/** Messages a second through bus and dispatcher of one thread to 10,000 receivers that do nothing. */
async function crowdWithoutGuests(rounds: number): Promise<number> {
  const agents = 10_000;
  const directory = Directory.create(agents, systemRandom);
  const links = { self: 0, threads: 1, post: () => false };
  const wheel = new Wheel({ nowMs: () => systemClock.monotonicMs() });
  const bus = new Bus({ directory, clock: systemClock, random: systemRandom, wheel, links });
  const handle = (id: number): void => {
    const delivery = bus.take(id);
    if (delivery !== undefined) bus.settle(delivery, done);
    dispatcher.ended();
  };
  const dispatcher = new Dispatcher({
    run: handle,
    activeMax: 1000,
    turnMsMax: 1,
    nowMs: () => systemClock.monotonicMs(),
    isPending: () => false,
  });
  const names = Array.from({ length: agents }, (_, index) => `agent-${index}`);
  for (const name of names) {
    const id = directory.add(name, terms.mailbox, 'at-least-once');
    bus.attach(id, name, { wake: (woken) => dispatcher.wake(woken), cancel: () => {} }, terms);
    directory.place(id, 0);
  }
  const samples: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const fromMs = performance.now();
    for (const name of names) bus.send({ id: 0, name: undefined }, name, payload);
    while (dispatcher.queued > 0) await new Promise((resolve) => setImmediate(resolve));
    samples.push(((performance.now() - fromMs) * 1000) / agents);
  }
  return 1e6 / median(samples);
}

function cells(way: Way, isRate: boolean): string[] {
  const rate = isRate ? round(perSecond(way) / 1000) : '-';
  return [round(us(way)), round(percentile(way.us, 0.9)), rate, way.cpuUs.map(round).join(' + ')];
}

function rowsOf(language: string, { near, far, once, atLeastOnce }: Talk): string[][] {
  const row = (what: string, way: Way, isRate: boolean): string[] => [
    `${language}: ${what}`,
    ...cells(way, isRate),
  ];
  return [
    row('ask and be answered, same thread', near, false),
    row('ask and be answered, other thread', far, false),
    row('send to the other thread, at most once', once, true),
    row('send to the other thread, by default', atLeastOnce, true),
  ];
}

async function run({ quick }: Effort): Promise<Report> {
  const trips = quick ? 500 : 4000;
  const wakes = [median(await pingPort(trips)), median(await pingAtomics(trips))];
  const c = await talk('c', quick);
  const onChain = await recorded('c', quick);
  const assemblyScript = await talk('assemblyscript', quick);
  const toGuests = await crowd('c', quick);
  const withoutGuests = await crowdWithoutGuests(quick ? 20 : 100);
  // Once more: how long a wake-up takes changes with all else that the machine does.
  wakes.push(median(await pingPort(trips)), median(await pingAtomics(trips)));
  const [portFirst = 0, atomicsFirst = 0, portLast = 0, atomicsLast = 0] = wakes;
  const port = (portFirst + portLast) / 2;
  const atomics = (atomicsFirst + atomicsLast) / 2;
  return {
    question,
    columns: ['64 B bodies, capability check, fuel and limits on', 'µs, p50', 'p90', 'thousand/s', 'CPU µs'],
    rows: [
      ...rowsOf('C', c),
      ['C, --audit messages: ask and be answered, same thread', ...cells(onChain.near, false)],
      ['C, --audit messages: send to the other thread, at most once', ...cells(onChain.once, true)],
      ...rowsOf('AssemblyScript', assemblyScript),
      [
        'C: host to 10,000 agents of one thread',
        round(us(toGuests)),
        round(percentile(toGuests.us, 0.9)),
        round(perSecond(toGuests) / 1000),
        toGuests.cpuUs.map(round).join(' + '),
      ],
      [
        'bus and dispatcher alone to 10,000',
        round(1e6 / withoutGuests),
        '-',
        round(withoutGuests / 1000),
        '-',
      ],
      ['bare `postMessage` there and back: two wake-ups', round(port), '-', '-', '-'],
      ['bare `Atomics.wait` there and back, of threads without an event loop', round(atomics), '-', '-', '-'],
    ],
    marks: [
      atMost('ask and be answered, same thread', us(c.near), 6, 'µs'),
      atMost('ask and be answered, other thread', us(c.far), 30, 'µs'),
      atMost('ask, other thread, beside bare `postMessage` there and back', us(c.far) / port, 1.05, '×'),
      atLeast('agent to agent, other thread, at most once', perSecond(c.once) / 1000, 400, 'thousand/s'),
      atLeast('agent to agent, other thread, by default', perSecond(c.atLeastOnce) / 1000, 400, 'thousand/s'),
      atLeast('every message on the audit chain', perSecond(onChain.once) / 1000, 100, 'thousand/s'),
      atMost('what the chain adds to an answer, same thread', us(onChain.near) - us(c.near), 10, 'µs'),
      atLeast('bus and dispatcher alone', withoutGuests / 1e6, 1.5, 'M/s'),
    ],
    remarks: [
      'CPU: the two busiest threads, each; where other processes have the cores, it says more than the time',
      'between threads a wake-up of a core that sleeps costs 15 to 60 µs, whatever wakes it: see the last rows, measured before and after',
    ],
  };
}

const question = 'How fast do agents talk to each other, with everything a serving host checks?';

export const bench: Bench = { name: 'messages', question, run };
