import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type JournalOptions, openJournal } from '../../host/bus/journal/disk-journal.ts';
import { type Files, systemFiles } from '../../host/bus/journal/files.ts';
import type { Journal, Owed } from '../../host/bus/journal/journal.ts';
import type { Guarantee, Message } from '../../host/bus/message.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';

const opened = new Map<string, Journal[]>();

/** A folder for one test; journals in it are closed, then it is removed. */
export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  t.after(async () => {
    for (const journal of opened.get(folder) ?? []) await journal.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function sent(id: string, more: Partial<Message> = {}): Message {
  return {
    id,
    subject: 'agent.billing',
    sender: undefined,
    replyTo: undefined,
    sentAtNs: 1_700_000_000_000_000_001n,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body: new Uint8Array([1, 2, 3]),
    ...more,
  };
}

export function owe(message: Message, guarantee: Guarantee = 'at-least-once', receiver = 'billing'): Owed {
  return { message, guarantee, receiver };
}

type Options = Partial<JournalOptions> & {
  readonly folder: string;
  readonly onWrite?: (bytes: number) => void;
};

export function open({ onWrite, ...options }: Options): ReturnType<typeof openJournal> {
  const files: Files =
    onWrite === undefined
      ? systemFiles
      : {
          ...systemFiles,
          write: (fd, bytes, from, length, position, done) => {
            onWrite(length);
            systemFiles.write(fd, bytes, from, length, position, done);
          },
        };
  const result = openJournal({ clock: systemClock, random: systemRandom, files, ...options });
  opened.set(options.folder, [...(opened.get(options.folder) ?? []), result.journal]);
  return result;
}

/** A disk that has room for so many bytes more, and then is full: writes end short, then fail. */
export class SmallDisk implements Files {
  room: number;
  readonly create: Files['create'] = systemFiles.create;
  readonly sync: Files['sync'] = systemFiles.sync;
  readonly syncName: Files['syncName'] = systemFiles.syncName;
  readonly truncate: Files['truncate'] = systemFiles.truncate;
  readonly close: Files['close'] = systemFiles.close;
  readonly remove: Files['remove'] = systemFiles.remove;

  constructor(room: number) {
    this.room = room;
  }

  write: Files['write'] = (fd, bytes, from, length, position, done) => {
    const fitting = Math.min(length, this.room);
    this.room -= fitting;
    if (fitting === 0) {
      const error = new Error('ENOSPC: no space left on device, write');
      setImmediate(() => done(error, 0));
    } else systemFiles.write(fd, bytes, from, fitting, position, done);
  };
}

export function segmentsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(folder, name));
}
