import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openJournal } from '../host/bus/journal/disk-journal.ts';
import type { Journal, Owed } from '../host/bus/journal/journal.ts';
import type { Message } from '../host/bus/message.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { HostSecret } from '../host/identity/host-secret.ts';
import { StoreSeal } from '../host/identity/store-seal.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

/** `bare`: when the system has it, and not sealed, for comparison. */
type Sync = 'os' | 'disk' | 'bare';

const seal = new StoreSeal({
  secret: new HostSecret(new Uint8Array(32).fill(7)),
  random: systemRandom,
  store: 'journal/1',
});

function owed(bytes: number): Owed {
  return { receiver: 'billing', guarantee: 'at-least-once', message: message(bytes) };
}

function message(bytes: number): Message {
  return {
    id: '0190f5a2b6c07c4e8a51d3b1c4a7e9f0',
    subject: 'agent.billing',
    sender: 'shop',
    replyTo: undefined,
    sentAtNs: 1_700_000_000_000_000_000n,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body: new Uint8Array(bytes).fill(7),
  };
}

async function withJournal<T>(sync: Sync, run: (journal: Journal) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'journal-bench-'));
  const kept = { folder, clock: systemClock, random: systemRandom };
  const { journal } = openJournal(sync === 'bare' ? { ...kept, sync: 'os' } : { ...kept, sync, seal });
  try {
    return await run(journal);
  } finally {
    await journal.close();
    rmSync(folder, { recursive: true });
  }
}

/** Accepted and settled pairs a second: `perTurn` a turn of the event loop, settled a turn later. */
async function pairs(journal: Journal, count: number, perTurn: number, bytes: number): Promise<number> {
  const one = owed(bytes);
  const waiting: number[] = [];
  const fromMs = performance.now();
  for (let done = 0; done < count; done += perTurn) {
    for (let index = 0; index < perTurn; index++) waiting.push(journal.accepted(one));
    await journal.flushed();
    for (const sequence of waiting) journal.settled(sequence);
    waiting.length = 0;
  }
  await journal.flushed();
  return count / ((performance.now() - fromMs) / 1000);
}

/** Microseconds from accepting one message, alone in its turn, until it is promised. */
async function latencies(journal: Journal, count: number): Promise<number[]> {
  const one = owed(64);
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    await turn();
    const fromMs = performance.now();
    const sequence = journal.accepted(one);
    await journal.flushed();
    samples.push((performance.now() - fromMs) * 1000);
    journal.settled(sequence);
  }
  return samples;
}

const target = 200_000;

async function run({ quick }: Effort): Promise<Report> {
  const rows: string[][] = [];
  let best = 0;
  let latencyUs = 0;
  for (const sync of ['os', 'bare', 'disk'] as const) {
    for (const bytes of [64, 1024]) {
      for (const perTurn of [10, 100, 1000]) {
        const count = (quick ? 20_000 : 200_000) / (sync === 'disk' ? 10 : 1) / (perTurn === 10 ? 4 : 1);
        const rates: number[] = [];
        for (let repeat = 0; repeat < (quick ? 1 : 5); repeat++)
          rates.push(await withJournal(sync, (journal) => pairs(journal, count, perTurn, bytes)));
        if (sync === 'os' && bytes === 64 && perTurn === 100) best = median(rates);
        rows.push([`${sync}, ${bytes} B, ${perTurn} a turn`, round(median(rates)), '', '']);
      }
    }
    const samples = await withJournal(sync, (journal) => latencies(journal, quick ? 300 : 3000));
    if (sync === 'os') latencyUs = median(samples);
    rows.push([`${sync}, 64 B, one alone`, '', round(median(samples)), round(percentile(samples, 0.99))]);
  }
  return {
    question,
    columns: ['case', 'pairs/s', 'median µs', 'p99 µs'],
    rows,
    marks: [
      atLeast('accepted and settled, one thread, 64 B, 100 a turn, os', best, target, 'pairs/s'),
      atMost('accepted until promised, alone, os', latencyUs, 200, 'µs'),
    ],
    remarks: [
      'os: flushed when the system has it; disk: when the disk has it (fdatasync for each batch); both sealed.',
      'bare: as os, and not sealed.',
    ],
  };
}

const question = 'What does a promise kept on disk cost?';

export const bench: Bench = { name: 'journal', question, run };
