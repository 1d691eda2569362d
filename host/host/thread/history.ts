import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { BlockSeal } from '../../block-seal.ts';
import { streamName } from '../../history/history-files.ts';
import { HistoryRoom } from '../../history/history-room.ts';
import { HistoryWriter } from '../../history/history-writer.ts';
import { historySeal } from '../trust/history-seal.ts';
import type { ThreadSettings } from './control.ts';

export interface ThreadHistoryOptions {
  readonly folder: string;
  readonly thread: number;
  /** What is in a history is on the audit chain by the digest of each block. */
  readonly pen: AuditPen | undefined;
  readonly seal: BlockSeal;
  readonly settings: Pick<ThreadSettings, 'historyBytesMax' | 'threads' | 'startedMs'>;
  readonly wallMs: () => number;
  readonly say: (level: 'info' | 'error', text: string) => void;
}

/** What writes down what the agents of one thread are told. */
export function openHistory({
  folder,
  thread,
  pen,
  seal,
  settings,
  wallMs,
  say,
}: ThreadHistoryOptions): HistoryWriter {
  const { historyBytesMax, threads, startedMs } = settings;
  const room = new HistoryRoom({
    folder,
    bytesMax: historyBytesMax,
    writers: threads,
    runStartedMs: startedMs,
    removed: (files, bytes) =>
      say(
        'info',
        `histories begin later now: the oldest ${files} of their files went (${bytes} bytes), for they may have ${historyBytesMax} (--history-total)`,
      ),
  });
  return new HistoryWriter({
    folder,
    stream: streamName(wallMs(), thread),
    fileBytesMax: room.fileBytesMax,
    wallMs,
    seal: historySeal(seal),
    after: (ms, act) => void setTimeout(act, ms),
    sealed: ({ file, number, digest, records }) =>
      pen?.append(kinds.historyBlock, '', '', file, number, digest, records),
    makeRoom: () => room.make(),
    failed: (error) =>
      say('error', `histories have a gap from here on, the disk takes nothing: ${String(error)}`),
    recovered: () => say('info', 'histories go on: the disk takes them again'),
  });
}
