import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { AgentRecord } from '../host/host/state/agent-records.ts';
import { openState, type StateFolder } from '../host/host/state/state-folder.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

const digests = Array.from({ length: 8 }, (_, index) => `${index}f`.repeat(32));

function record(index: number): AgentRecord {
  return {
    name: `worker-${index}`,
    manifest: `# template ${index % 8}\n${'x = 1\n'.repeat(50)}`,
    digest: digests[index % 8] ?? '',
    earlier: [],
    accepted: undefined,
    parent: 'spawner',
    installedAtMs: 1_700_000_000_000,
  };
}

/** Agents a second, spawned `perTurn` a turn of the event loop. */
async function spawn(state: StateFolder, count: number, perTurn: number): Promise<number> {
  const fromMs = performance.now();
  for (let index = 0; index < count; index++) {
    state.agents.put(record(index));
    if (index % perTurn === perTurn - 1) await turn();
  }
  await state.agents.saved();
  return count / ((performance.now() - fromMs) / 1000);
}

/** Milliseconds to open the folder and to read every agent. */
function start(folder: string, count: number): { readonly ms: number; readonly state: StateFolder } {
  const fromMs = performance.now();
  const state = openState(folder);
  const names = new Set<string>();
  for (const agent of state.agents.all()) names.add(agent.name);
  assert.equal(names.size, count);
  return { ms: performance.now() - fromMs, state };
}

/** Milliseconds until an installed agent survives a loss of power. */
async function install(state: StateFolder, index: number): Promise<number> {
  const fromMs = performance.now();
  state.agents.put({ ...record(index), parent: undefined });
  await state.agents.saved();
  return performance.now() - fromMs;
}

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 50_000 : 1_000_000;
  const folder = mkdtempSync(join(tmpdir(), 'state-bench-'));
  try {
    const first = openState(folder);
    const rate = await spawn(first, count, 100);
    first.close();
    const { ms, state } = start(folder, count);
    const installs: number[] = [];
    for (let index = 0; index < 20; index++) installs.push(await install(state, index));
    const fromMs = performance.now();
    for (let index = 0; index < 1000; index++) state.agents.get(`worker-${(index * 977) % count}`);
    const getUs = performance.now() - fromMs;
    state.close();
    const bytes = statSync(join(folder, 'agents.sqlite')).size;
    return {
      question,
      columns: ['what', 'figure'],
      rows: [
        [`spawned agents kept a second (${count}, 100 a turn)`, round(rate)],
        ['start: every agent read, ms', round(ms)],
        ['one agent read, µs', round(getUs)],
        ['one agent installed, on the disk, ms', round(median(installs))],
        ['bytes an agent', round(bytes / count)],
      ],
      marks: [
        atLeast('spawned agents kept', rate, 15_000, 'a second'),
        atMost('start with all of them', ms / 1000, 10, 's'),
      ],
      remarks: [],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const question = 'What does it cost to keep a million agents over restarts?';

export const bench: Bench = { name: 'state', question, run };
