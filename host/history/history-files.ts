import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../errors.ts';
import { blockHeadBytes, checkBlock, damaged, firstBlock, type HistorySeal, readHead } from './block.ts';
import { ValueReader } from './value-reader.ts';

const namePattern = /^(\d{15})-(\d{3,})-(\d{6,})\.history$/;
const componentsEnd = '.components';

/** What one thread writes from its start on is a stream of files. */
export interface HistoryFile {
  readonly name: string;
  /** Of its thread, milliseconds since 1970. */
  readonly startedMs: number;
  /** Start and thread. */
  readonly stream: string;
  readonly number: number;
}

/** How the files of a stream begin. */
export function streamName(startedMs: number, thread: number): string {
  return `${String(startedMs).padStart(15, '0')}-${String(thread).padStart(3, '0')}`;
}

export function fileName(stream: string, number: number): string {
  return `${stream}-${String(number).padStart(6, '0')}.history`;
}

/** The list beside a history file of the components (digests, one a line) of lives that begin in it. */
export function componentsName(file: string): string {
  return `${file}${componentsEnd}`;
}

/** The files of a folder, oldest start first; those of one stream in order. */
export function historyFiles(folder: string): HistoryFile[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const [, started = '', thread = '', number = ''] = namePattern.exec(name) ?? [];
      const file = {
        name,
        startedMs: Number(started),
        stream: `${started}-${thread}`,
        number: Number(number),
      };
      return started === '' ? [] : [file];
    })
    .sort((a, b) => a.startedMs - b.startedMs || compare(a.stream, b.stream) || a.number - b.number);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Digests of the components that lives in these files began with. */
export function componentsOf(folder: string): Set<string> {
  const digests = new Set<string>();
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(componentsEnd)) continue;
    const lines = readFileSync(join(folder, name), 'utf8').split('\n');
    for (const line of lines) if (line !== '') digests.add(line);
  }
  return digests;
}

/** A block's records. */
export interface Block {
  readonly atMs: number;
  readonly records: readonly Uint8Array[];
}

/**
 * The blocks of a folder in the order in which they were written. One agent is in one thread at a time, so its records
 * come in their order. A file that ends in the middle of a block ends before it: the host was cut off there.
 * @param seal undefined: there is no key, so what is not sealed is read
 * @throws HostError `HOST_ERR_HISTORY_CORRUPT`; `HOST_ERR_HISTORY_SEALED` for what another key sealed
 */
export function* blocksIn(folder: string, seal?: HistorySeal): Generator<Block> {
  const streams = Map.groupBy(historyFiles(folder), ({ stream }) => stream);
  const waiting = [...streams.values()];
  const open: OpenStream[] = [];
  try {
    for (;;) {
      const oldest = oldestOf(open);
      const [next] = waiting;
      if (next !== undefined && (oldest === undefined || startOf(next) <= oldest.next.atMs)) {
        waiting.shift();
        begin(open, blocksOf(folder, next, seal));
        continue;
      }
      if (oldest === undefined) return;
      const { next: block } = oldest;
      advance(open, oldest);
      yield block;
    }
  } finally {
    for (const { blocks } of open) blocks.return();
  }
}

interface OpenStream {
  readonly blocks: Generator<Block, void>;
  next: Block;
}

function startOf([first]: readonly HistoryFile[]): number {
  return first?.startedMs ?? 0;
}

function oldestOf(open: readonly OpenStream[]): OpenStream | undefined {
  return open.reduce<OpenStream | undefined>(
    (oldest, one) => (oldest === undefined || one.next.atMs < oldest.next.atMs ? one : oldest),
    undefined,
  );
}

function begin(open: OpenStream[], blocks: Generator<Block, void>): void {
  const first = blocks.next();
  if (first.done !== true) open.push({ blocks, next: first.value });
}

function advance(open: OpenStream[], stream: OpenStream): void {
  const next = stream.blocks.next();
  if (next.done === true) open.splice(open.indexOf(stream), 1);
  else stream.next = next.value;
}

/** @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
function* blocksOf(
  folder: string,
  files: readonly HistoryFile[],
  seal?: HistorySeal,
): Generator<Block, void> {
  for (const { name } of files) yield* blocksOfFile(folder, name, seal);
}

function* blocksOfFile(folder: string, name: string, seal?: HistorySeal): Generator<Block, void> {
  const path = join(folder, name);
  const fd = openOrGone(path);
  if (fd === undefined) return;
  try {
    let chain = firstBlock;
    for (let at = 0; ; ) {
      const where = `${path}, byte ${at}`;
      const headBytes = read(fd, at, blockHeadBytes);
      if (headBytes === undefined) return;
      const head = readHead(headBytes, chain, where);
      const block = read(fd, at, blockHeadBytes + head.contentBytes);
      if (block === undefined) return;
      chain = checkBlock(block, chain, where);
      at += block.length;
      const content = block.subarray(blockHeadBytes);
      if (!head.isSealed && seal !== undefined && !seal.takesUnsealed) throw foreign(where);
      const opened = head.isSealed ? unsealed(content, seal, name, head.number, where) : content;
      yield { atMs: head.atMs, records: split(opened, where) };
    }
  } finally {
    closeSync(fd);
  }
}

/** Old files go while others are read. */
function openOrGone(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot read ${path}: ${String(cause)}`, { path }, cause);
  }
}

function unsealed(
  content: Uint8Array,
  seal: HistorySeal | undefined,
  file: string,
  number: bigint,
  where: string,
): Uint8Array {
  if (seal === undefined)
    throw sealedElsewhere(where, 'and no host.key is in keys beside it: put back the one it was sealed with');
  const opened = seal.open(content, file, number);
  // Its digest was right: it is whole, and of another key or of another place.
  if (opened === undefined)
    throw sealedElsewhere(
      where,
      'but not by this host, or not for this place: put back the host.key it was sealed with, and its file under its own name',
    );
  return opened;
}

function sealedElsewhere(where: string, cure: string): HostError {
  return new HostError('HOST_ERR_HISTORY_SEALED', `${where}: the history is sealed, ${cure}`, { where });
}

function foreign(where: string): HostError {
  return new HostError(
    'HOST_ERR_HISTORY_CORRUPT',
    `${where}: the history is not sealed here, as all of this host are: somebody else put it there, or it is of an earlier version, whose files are read with --take-unsealed`,
    { where },
  );
}

function split(content: Uint8Array, where: string): Uint8Array[] {
  const reader = new ValueReader(content);
  const records: Uint8Array[] = [];
  try {
    while (!reader.isAtEnd) records.push(reader.raw());
  } catch {
    throw damaged(where);
  }
  return records;
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
