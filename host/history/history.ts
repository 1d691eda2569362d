import type { HistorySeal } from './block.ts';
import { blocksIn } from './history-files.ts';
import { records } from './marks.ts';
import type { LifeFacts } from './recorder.ts';
import { agentOf, type HistoryRecord, kindOf, type Names, noNames, readRecord } from './turns.ts';

/**
 * The records of one agent in the order in which they were written, and gaps, which are everybody's.
 * @throws HostError `HOST_ERR_HISTORY_CORRUPT`, after all that lies before the damage
 */
export function* readHistory(folder: string, agent: string, seal?: HistorySeal): Generator<HistoryRecord> {
  let names: Names = noNames;
  for (const block of blocksIn(folder, seal))
    for (const bytes of block.records) {
      const whose = agentOf(bytes);
      if (whose !== agent && whose !== '') continue;
      const record = readRecord(bytes, names, block.atMs);
      if (record.kind === 'names') names = record.names;
      yield record;
    }
}

/** What a folder has of one agent. */
export interface HistorySummary {
  readonly agent: string;
  readonly turns: number;
  readonly lives: number;
  /** Milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  /** SHA-256 of the component of its last life, hexadecimal; undefined when that began before the history does. */
  readonly digest: string | undefined;
}

/** All agents of a folder, by name. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function agentsIn(folder: string, seal?: HistorySeal): HistorySummary[] {
  const agents = new Map<string, Mutable<HistorySummary>>();
  for (const { atMs, records: all } of blocksIn(folder, seal))
    for (const bytes of all) {
      const agent = agentOf(bytes);
      if (agent !== '') note(agents, agent, bytes, atMs);
    }
  return [...agents.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1));
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function note(
  agents: Map<string, Mutable<HistorySummary>>,
  agent: string,
  bytes: Uint8Array,
  atMs: number,
): void {
  let summary = agents.get(agent);
  if (summary === undefined) {
    summary = { agent, turns: 0, lives: 0, fromMs: atMs, toMs: atMs, digest: undefined };
    agents.set(agent, summary);
  }
  summary.toMs = atMs;
  const kind = kindOf(bytes);
  if (kind === records.turn || kind === records.cut) summary.turns += 1;
  if (kind !== records.life) return;
  summary.lives += 1;
  const life = readRecord(bytes, noNames, atMs) as { facts: LifeFacts };
  summary.digest = life.facts.digest;
}
