import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { Audit } from '../host/audit/audit.ts';
import type { BlockPacket } from '../host/audit/block.ts';
import { kinds } from '../host/audit/kinds.ts';
import { AuditPen } from '../host/audit/pen.ts';
import { keySigner } from '../host/audit/signer.ts';
import { verifyChain } from '../host/audit/verify.ts';
import { systemClock } from '../host/clock.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const { publicKey } = keySigner(privateKey);

function appendOne(pen: AuditPen, index: number): void {
  pen.append(
    kinds.messageDelivered,
    'billing',
    'shop',
    '0190f5a2b6c07c4e',
    'agent.billing',
    'shop',
    index,
    1,
  );
}

/** Nanoseconds an append takes its thread, the other side being a port that gives blocks back at once. */
async function appendNs(events: number): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ({ buffer }: BlockPacket) =>
    port1.postMessage({ kind: 'done', blocks: 1, buffers: [buffer] }, [buffer]),
  );
  const pen = new AuditPen(
    { port: port2, state: new SharedArrayBuffer(4), thread: 1 },
    { clock: systemClock },
  );
  let ns = 0;
  const perTurn = 1_000;
  for (let done = 0; done < events; done += perTurn) {
    const fromNs = process.hrtime.bigint();
    for (let index = 0; index < perTurn; index++) appendOne(pen, index);
    ns += Number(process.hrtime.bigint() - fromNs);
    await turn();
  }
  port1.close();
  return ns / events;
}

/** Events a second from the first append until the last is durable; as much under way as the pen lets. */
async function durableRate(audit: Audit, events: number): Promise<number> {
  const pen = audit.pen();
  const fromMs = performance.now();
  for (let done = 0; done < events; ) {
    while (pen.isFull) await pen.flushed();
    for (let index = 0; index < 1_000; index++) appendOne(pen, index);
    done += 1_000;
    if (done % 4_000 === 0) await turn();
  }
  await pen.flushed();
  const rate = events / ((performance.now() - fromMs) / 1_000);
  await pen.close();
  return rate;
}

/** Microseconds from one event until it is durable, nothing else under way. */
async function latencies(audit: Audit, count: number): Promise<number[]> {
  const pen = audit.pen();
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    await turn();
    const fromMs = performance.now();
    appendOne(pen, index);
    await pen.flushed();
    samples.push((performance.now() - fromMs) * 1_000);
  }
  await pen.close();
  return samples;
}

async function verifyRate(folder: string): Promise<number> {
  const fromMs = performance.now();
  const { isIntact, events } = await verifyChain(folder, [publicKey]);
  if (!isIntact) throw new Error('the chain is not intact');
  return events / ((performance.now() - fromMs) / 1_000);
}

async function run({ quick }: Effort): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-bench-'));
  try {
    return await measured(folder, quick);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measured(folder: string, quick: boolean): Promise<Report> {
  const repeats = quick ? 2 : 5;
  const events = quick ? 100_000 : 400_000;
  const appends: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) appends.push(await appendNs(events));
  const subjects = { key: new Uint8Array(32), takesUnsealed: false };
  const audit = await Audit.start({ folder, privateKey, version: 'bench', clock: systemClock, subjects });
  const rates: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) rates.push(await durableRate(audit, events));
  const waits = await latencies(audit, quick ? 200 : 1_000);
  await audit.close();
  const checks: number[] = [];
  for (let repeat = 0; repeat < Math.min(repeats, 3); repeat++) checks.push(await verifyRate(folder));
  return {
    question,
    columns: ['case', 'median', 'worst'],
    rows: [
      ['append, one thread, ns', round(median(appends)), round(Math.max(...appends))],
      ['append until durable, events/s', round(median(rates)), round(Math.min(...rates))],
      ['one event alone until durable, µs', round(median(waits)), round(percentile(waits, 0.99))],
      ['verify, events/s', round(median(checks)), round(Math.min(...checks))],
    ],
    marks: [
      atMost('append to the pen', median(appends), 1_000, 'ns'),
      atLeast('append until durable, one thread', median(rates), 100_000, 'events/s'),
      atLeast('verify', median(checks), 100_000, 'events/s'),
    ],
    remarks: [
      'An event is a delivered message with its id, subject and sender: about 95 bytes on the chain.',
    ],
  };
}

const question = 'What does it cost to have everything on a signed chain?';

export const bench: Bench = { name: 'audit', question, run };
