import { Worker } from 'node:worker_threads';
import { systemClock } from '../host/clock.ts';
import { PolicyBoard } from '../host/policy/board.ts';
import { Compiler } from '../host/policy/compile.ts';
import { Decider } from '../host/policy/decider.ts';
import type { KnownEntity } from '../host/policy/entity.ts';
import type { PolicyRequest } from '../host/policy/request.ts';
import type { PolicySet } from '../host/policy/rule.ts';
import type { PolicyThreadData } from './policy-thread.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const question = 'What does it cost to ask the policies, and to change them?';
const policyCount = 100;
const entityCount = 1000;
const groupCount = 40;

/** Policies as people write them: most are about one group and one kind of action. */
const templates: readonly ((group: number) => string)[] = [
  (group) => `permit (principal in Motehost::Group::"g${group}",
    action in [Motehost::Action::"bus.send", Motehost::Action::"bus.publish"],
    resource in Motehost::Subject::"area-${group}.>") when { context.bytes < 65536 };`,
  (group) => `permit (principal in Motehost::Group::"g${group}", action == Motehost::Action::"http.request",
    resource in Motehost::Host::"*.service-${group}.example") when { context.method == "GET" };`,
  (
    group,
  ) => `forbid (principal in Motehost::Group::"g${group}", action == Motehost::Action::"bus.publish", resource)
    when { context.labels.contains("secret-${group}") };`,
  (group) => `permit (principal in Motehost::Group::"g${group}", action in Motehost::Action::"data",
    resource in Motehost::Data::"file:/srv/${group}");`,
  (group) => `@conditions("rate 10/s") permit (principal in Motehost::Group::"g${group}",
    action == Motehost::Action::"tool.call", resource is Motehost::Tool) when { resource.name like "files/*" };`,
];

/** The hardest case: all are about the same action, so slicing takes none away. */
function sameAction(index: number): string {
  return `permit (principal in Motehost::Group::"g${index % groupCount}", action == Motehost::Action::"bus.send",
    resource in Motehost::Subject::"area-${index}.>") when { context.bytes < 65536 };`;
}

function setOf(policy: (index: number) => string): PolicySet {
  const texts = Array.from({ length: policyCount }, (_, index) => policy(index));
  const { set, faults } = new Compiler().compile(
    [{ name: 'bench.cedar', text: texts.join('\n') }],
    entities(),
  );
  if (set === undefined) throw new Error(JSON.stringify(faults[0]));
  return set;
}

function mixedPolicy(index: number): string {
  return templates[index % templates.length]?.(Math.floor(index / templates.length)) ?? '';
}

function entities(): KnownEntity[] {
  return Array.from({ length: entityCount }, (_, index) => ({
    kind: 'Agent',
    id: `agent-${index}`,
    groups: [`g${index % groupCount}`],
    attributes: { holds: ['pii'], carries: [] },
  }));
}

/** Another request for each index: some allowed, some not, some of them seldom asked. */
function requestOf(index: number): PolicyRequest {
  const agent = (index * 7) % entityCount;
  const principal = { kind: 'Agent', id: `agent-${agent}` } as const;
  const area = index % 3 === 0 ? index % groupCount : agent % groupCount;
  switch (index % 5) {
    case 0:
      return {
        principal,
        action: 'http.request',
        resource: { kind: 'Host', id: `a${index % 50}.service-${area}.example:443` },
        context: { method: 'GET', path: '/', scheme: 'https' },
      };
    case 1:
      return {
        principal,
        action: 'file.read',
        resource: { kind: 'Data', id: `file:/srv/${area}/${index % 200}` },
      };
    case 2:
      return { principal, action: 'tool.call', resource: { kind: 'Tool', id: `files/tool-${index % 30}` } };
    default:
      return {
        principal,
        action: index % 2 === 0 ? 'bus.send' : 'bus.publish',
        resource: { kind: 'Subject', id: `area-${area}.topic-${index}` },
        context: { bytes: 100 + (index % 5000), labels: index % 11 === 0 ? ['pii'] : [] },
      };
  }
}

function deciderOf(set: PolicySet): Decider {
  const board = new PolicyBoard();
  board.publish(set);
  return new Decider({ source: board, clock: systemClock });
}

function sendOf(index: number): PolicyRequest {
  const agent = index % entityCount;
  return {
    principal: { kind: 'Agent', id: `agent-${agent}` },
    action: 'bus.send',
    resource: { kind: 'Subject', id: `area-${agent % groupCount}.topic-${index}` },
    context: { bytes: 100, labels: [] },
  };
}

/** Microseconds of each of many decisions, no two the same. */
function uncachedUs(set: PolicySet, count: number, request: (index: number) => PolicyRequest): number[] {
  const decider = deciderOf(set);
  for (let index = 0; index < 500; index += 1) decider.decide(request(1_000_000 + index));
  const samples = Array.from({ length: count }, (_, index) => {
    const one = request(index);
    const fromMs = performance.now();
    decider.decide(one);
    return (performance.now() - fromMs) * 1000;
  });
  decider.close();
  return samples;
}

/** A hundred agents, each doing what it does some times: nothing cached before. */
function mixedPerSecond(set: PolicySet, count: number): { readonly perS: number; readonly share: number } {
  let cached = 0;
  const board = new PolicyBoard();
  board.publish(set);
  const onDecision = (_request: PolicyRequest, _decision: unknown, isCached: boolean): void => {
    if (isCached) cached += 1;
  };
  const decider = new Decider({ source: board, clock: systemClock, onDecision });
  for (let index = 0; index < 200; index += 1) decider.decide(requestOf(50_000_000 + index));
  // Every request comes four times: an agent does again what it did.
  const requests = Array.from({ length: count }, (_, index) =>
    requestOf((index * 7919) % Math.floor(count / 4)),
  );
  cached = 0;
  const fromMs = performance.now();
  for (const request of requests) decider.decide(request);
  const perS = (count / (performance.now() - fromMs)) * 1000;
  decider.close();
  return { perS, share: cached / count };
}

function cachedNs(set: PolicySet, rounds: number): number {
  const decider = deciderOf(set);
  const requests = Array.from({ length: 512 }, (_, index) => sendOf(index));
  const count = 100_000;
  const samples = Array.from({ length: rounds }, () => {
    const fromMs = performance.now();
    for (let index = 0; index < count; index += 1) {
      const request = requests[index & 511];
      if (request !== undefined) decider.decide(request);
    }
    return ((performance.now() - fromMs) * 1e6) / count;
  });
  decider.close();
  return median(samples);
}

/** Milliseconds from putting other policies in force to a thread's deciding by them, whose event loop stands still. */
function liveMs(set: PolicySet, changes: number): number[] {
  const board = new PolicyBoard();
  board.publish(set);
  const line = board.open();
  const seen = new BigInt64Array(new SharedArrayBuffer(24));
  const data: PolicyThreadData = { line, request: sendOf(1), seen };
  const worker = new Worker(new URL('./policy-thread.ts', import.meta.url), {
    workerData: data,
    transferList: [line.port],
  });
  const without: PolicySet = { ...set, rules: set.rules.filter(({ effect }) => effect === 'forbid') };
  Atomics.wait(seen, 0, 0n, 10_000);
  const samples = Array.from({ length: changes }, (_, index) => {
    const before = Atomics.load(seen, 0);
    const fromNs = process.hrtime.bigint();
    board.publish(index % 2 === 0 ? without : set);
    Atomics.wait(seen, 0, before, 10_000);
    return Number(Atomics.load(seen, 1) - fromNs) / 1e6;
  });
  Atomics.store(seen, 2, 1n);
  worker.unref();
  board.close();
  return samples;
}

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 500 : 4000;
  const mixed = setOf(mixedPolicy);
  const hard = uncachedUs(setOf(sameAction), count, sendOf);
  const sliced = uncachedUs(mixed, count, sendOf);
  const batch = mixedPerSecond(mixed, quick ? 4000 : 40_000);
  const cached = cachedNs(mixed, quick ? 10 : 50);
  const live = liveMs(mixed, quick ? 20 : 200);
  const compileMs = Array.from({ length: quick ? 3 : 10 }, () => {
    const fromMs = performance.now();
    setOf(mixedPolicy);
    return performance.now() - fromMs;
  });
  return {
    question,
    columns: ['', 'median', 'p99', ''],
    rows: [
      [
        'uncached, 100 policies about the same action',
        round(median(hard)),
        round(percentile(hard, 0.99)),
        'µs',
      ],
      ['uncached, 100 policies about many', round(median(sliced)), round(percentile(sliced, 0.99)), 'µs'],
      ['cached, 512 requests in turns', round(cached), '-', 'ns'],
      ['a change, to a thread deciding by it', round(median(live)), round(percentile(live, 0.99)), 'ms'],
      ['100 policies read and validated', round(median(compileMs)), round(Math.max(...compileMs)), 'ms'],
    ],
    marks: [
      atMost('uncached, 100 policies about the same action, median', median(hard), 250, 'µs'),
      atLeast('a mixed batch, on one thread', batch.perS, 10_000, 'decisions/s'),
      atMost('cached', cached, 200, 'ns'),
      atMost('a change, 19 of 20', percentile(live, 0.95), 10, 'ms'),
    ],
    remarks: [
      `${entityCount} entities are known; a decision is passed those that matter.`,
      `The batch began with an empty cache; ${(batch.share * 100).toFixed(0)} % of it was decided before.`,
      `The change: from publish() to the first decision by it in a thread whose event loop stands still; slowest ${round(Math.max(...live))} ms.`,
    ],
  };
}

export const bench: Bench = { name: 'policy', question, run };
