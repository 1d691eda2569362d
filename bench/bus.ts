import { Bus } from '../host/bus/bus.ts';
import type { Delivery, Receiver, ReceiverTerms, Sender } from '../host/bus/delivery.ts';
import { Directory, defaultMailbox } from '../host/bus/directory.ts';
import type { Payload } from '../host/bus/message.ts';
import { SubjectTree } from '../host/bus/subject-tree.ts';
import { Wheel } from '../host/clock/wheel.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import type { Outcome } from '../host/outcome.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

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
const payload: Payload = { contentType: undefined, headers: [], body: new Uint8Array(64) };

/** Agents on one bus of one thread. */
class Stage {
  readonly bus: Bus;
  readonly senders: Sender[] = [];
  readonly names: string[] = [];
  /** What agents do when they are woken. */
  onWake: (id: number) => void = () => {};

  constructor(agents: number) {
    const directory = Directory.create(Math.max(agents, 16), systemRandom);
    this.bus = new Bus({
      directory,
      clock: systemClock,
      random: systemRandom,
      wheel: new Wheel({ nowMs: () => systemClock.monotonicMs() }),
      links: { self: 0, threads: 1, post: () => false },
    });
    const receiver: Receiver = { wake: (id) => this.onWake(id), cancel: () => {} };
    for (let index = 0; index < agents; index++) {
      const name = `agent-${index}`;
      const id = directory.add(name, terms.mailbox, 'at-least-once');
      this.bus.attach(id, name, receiver, terms);
      directory.place(id, 0);
      this.senders.push({ id, name });
      this.names.push(name);
    }
  }

  at(index: number): Sender {
    const sender = this.senders[index];
    if (sender === undefined) throw new Error(`no agent ${index}`);
    return sender;
  }
}

/** Nanoseconds of each of `count` rounds' steps, median of the rounds. */
function nsPer(rounds: number, steps: number, run: () => void): number {
  return median(
    Array.from({ length: rounds }, () => {
      const startedMs = performance.now();
      run();
      return ((performance.now() - startedMs) * 1e6) / steps;
    }),
  );
}

function takeAll(bus: Bus, id: number): void {
  for (let next: Delivery | undefined = bus.take(id); next !== undefined; next = bus.take(id))
    bus.settle(next, done);
}

interface SendCost {
  readonly send: number;
  readonly take: number;
}

/** Sends in bursts of 100 to agents in turn; takes and settles are timed apart. */
function sending(agents: number, rounds: number): SendCost {
  const stage = new Stage(agents);
  const { bus } = stage;
  const burst = 100;
  const sends: number[] = [];
  const takes: number[] = [];
  let next = 0;
  for (let round = 0; round < rounds; round++) {
    let [sendMs, takeMs] = [0, 0];
    for (let lap = 0; lap < 500; lap++) {
      const first = next;
      const startedMs = performance.now();
      for (let at = 0; at < burst; at++) {
        next = next + 7 < agents ? next + 7 : (next + 7) % agents;
        bus.send(stage.at(0), stage.names[next] ?? '', payload);
      }
      const sentMs = performance.now();
      let taken = first;
      for (let at = 0; at < burst; at++) {
        taken = taken + 7 < agents ? taken + 7 : (taken + 7) % agents;
        takeAll(bus, stage.at(taken).id);
      }
      sendMs += sentMs - startedMs;
      takeMs += performance.now() - sentMs;
    }
    sends.push((sendMs * 1e6) / (500 * burst));
    takes.push((takeMs * 1e6) / (500 * burst));
  }
  return { send: median(sends), take: median(takes) };
}

async function requesting(rounds: number, steps: number): Promise<number> {
  const stage = new Stage(2);
  const { bus } = stage;
  stage.onWake = (id) => takeAll(bus, id);
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    for (let step = 0; step < steps; step++) await bus.request(stage.at(0), 'agent.agent-1', payload);
    samples.push(((performance.now() - startedMs) * 1e6) / steps);
  }
  return median(samples);
}

function publishing(subscribers: number, rounds: number, steps: number): number {
  const stage = new Stage(subscribers + 1);
  const { bus } = stage;
  for (let index = 1; index <= subscribers; index++)
    bus.subscribe(stage.at(index).id, 'prices.*.spot', undefined);
  stage.onWake = (id) => takeAll(bus, id);
  return nsPer(rounds, steps * subscribers, () => {
    for (let step = 0; step < steps; step++) bus.publish(stage.at(0), 'prices.eu.spot', payload);
  });
}

/** Among 10,000 wildcard subscriptions: a subject seen before, and new ones. */
function matching(rounds: number): { readonly known: number; readonly fresh: number } {
  const tree = new SubjectTree();
  for (let id = 1; id <= 10_000; id++) {
    const pattern = id % 2 === 0 ? `shop-${id}.*.created` : `area-${id % 100}.shop-${id}.>`;
    tree.add({ id, subscriber: id, name: '', pattern, group: undefined, thread: 0 });
  }
  const steps = 4000;
  let count = 0;
  const known = nsPer(rounds, steps * 10, () => {
    for (let step = 0; step < steps * 10; step++) tree.match(`shop-200.orders.created`);
  });
  const fresh = nsPer(rounds, steps, () => {
    for (let step = 0; step < steps; step++) tree.match(freshSubjects[count++ % freshSubjects.length] ?? '');
  });
  return { known, fresh };
}

/** More than the tree remembers, so that each is new again when its turn comes. */
const freshSubjects = Array.from(
  { length: 40_000 },
  (_, index) => `shop-${(index * 2) % 10_000}.order-${index}.created`,
);

async function run({ quick }: Effort): Promise<Report> {
  const rounds = quick ? 5 : 15;
  const few = sending(1000, rounds);
  const many = sending(10_000, rounds);
  const request = await requesting(rounds, quick ? 5000 : 20_000);
  const one = publishing(1, rounds, 20_000);
  const thousand = publishing(1000, rounds, 100);
  const match = matching(rounds);
  return {
    question: 'what does the bus itself cost, on one thread, without agents behind it?',
    columns: ['', 'ns'],
    rows: [
      ['send to one of 1,000 agents, 64 B', round(few.send)],
      ['take and settle', round(few.take)],
      ['send to one of 10,000 agents', round(many.send)],
      ['take and settle', round(many.take)],
      ['request and reply', round(request)],
      ['publish to 1 subscriber, handled', round(one)],
      ['publish to 1,000 subscribers, handled, each', round(thousand)],
      ['match a subject seen before, 10,000 wildcard subscriptions', round(match.known)],
      ['match a new subject', round(match.fresh)],
    ],
    marks: [
      atMost('send, 1,000 agents', few.send, 150, 'ns'),
      atMost('match, subject seen before', match.known, 50, 'ns'),
      atMost('match, new subject', match.fresh, 500, 'ns'),
    ],
    remarks: ['every send checks size, rate, room and water marks, makes an id and reads the clock'],
  };
}

export const bench: Bench = {
  name: 'bus',
  question: 'what does the bus itself cost, on one thread, without agents behind it?',
  run,
};
