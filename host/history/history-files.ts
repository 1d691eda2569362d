import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { blockHeadBytes, contentBytesOf, damaged, firstBlock, openBlock } from './block.ts';
import { agentOf, type HistoryRecord, type Names, readRecord } from './turns.ts';
import { ValueReader } from './value-reader.ts';

const namePattern = /^(\d+)-(\d+)-(\d+)\.history$/;

/** Names of history files: start of the host (milliseconds since 1970), thread, number. */
export function historyName(startedMs: number, thread: number): string {
  return `${String(startedMs).padStart(15, '0')}-${String(thread).padStart(3, '0')}`;
}

/** The files of a folder, oldest start first. */
export function historyFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => namePattern.test(name))
    .sort();
}

/**
 * The records of one agent in the order in which they were written. A file that ends in the middle of a block ends
 * before it: the host was cut off there.
 * @throws HostError `HOST_ERR_HISTORY_CORRUPT`
 */
export function* readHistory(folder: string, agent: string): Generator<HistoryRecord> {
  let names: Names = { functions: [], suspending: [] };
  for (const file of historyFiles(folder))
    for (const record of recordsOf(join(folder, file))) {
      if (agentOf(record) !== agent) continue;
      const read = readRecord(record, names);
      if (read.kind === 'names') names = read.names;
      yield read;
    }
}

/** Which agents a folder has a history of. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function agentsIn(folder: string): string[] {
  const agents = new Set<string>();
  for (const file of historyFiles(folder))
    for (const record of recordsOf(join(folder, file))) agents.add(agentOf(record));
  return [...agents].sort();
}

/** The records of a file. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function* recordsOf(path: string): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    let chain = firstBlock;
    for (let at = 0; ; ) {
      const where = `${path}, byte ${at}`;
      const head = read(fd, at, blockHeadBytes);
      if (head === undefined) return;
      const bytes = contentBytesOf(head, where);
      const block = read(fd, at, blockHeadBytes + bytes);
      if (block === undefined) return;
      const opened = openBlock(block, chain, where);
      chain = opened.chain;
      at += block.length;
      yield* split(opened.content, where);
    }
  } finally {
    closeSync(fd);
  }
}

function* split(content: Uint8Array, where: string): Generator<Uint8Array> {
  const reader = new ValueReader(content);
  while (!reader.isAtEnd) {
    try {
      yield reader.raw();
    } catch {
      throw damaged(where);
    }
  }
}

/** Undefined when the file ends before that. */
function read(fd: number, at: number, bytes: number): Buffer | undefined {
  const into = Buffer.allocUnsafe(bytes);
  for (let done = 0; done < bytes; ) {
    const count = readSync(fd, into, done, bytes - done, at + done);
    if (count === 0) return undefined;
    done += count;
  }
  return into;
}
