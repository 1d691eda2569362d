import type { KeyObject } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock, systemRandom } from '../clock.ts';
import { HostError, toWire, type WireError } from '../errors.ts';
import type { ChainLimits } from './chain-writer.ts';
import { systemDisk } from './disk.ts';
import { type Announced, ChainKeeper, type KeyringMark } from './keeper.ts';
import type { Retention } from './retention.ts';
import { keySigner } from './signer.ts';
import type { SubjectsSeal } from './subject-file.ts';

/** What the thread is started with. */
export interface KeeperStart {
  readonly folder: string;
  readonly privateKey: KeyObject;
  readonly earlierKeys: readonly Uint8Array[];
  readonly limits: ChainLimits;
  readonly retention: Retention;
  readonly clockJumpMsMax: number;
  readonly acceptLoss: boolean;
  readonly version: string;
  readonly state: SharedArrayBuffer;
  readonly subjects: SubjectsSeal;
  readonly keyring: KeyringMark | undefined;
}

/** The keeper's end of a pen. */
export interface PenLine extends Announced {
  readonly port: MessagePort;
}

/** What its owner asks of it, each with what it answers. */
export interface KeeperCalls {
  connect: { input: PenLine; answer: null };
  subscribe: { input: MessagePort; answer: null };
  rotateKey: { input: { readonly privateKey: KeyObject; readonly generation: number }; answer: null };
  revokeKey: { input: { readonly publicKey: Uint8Array; readonly reason: string }; answer: null };
  markKeyring: { input: KeyringMark; answer: null };
  forget: { input: { readonly subject: string; readonly reason: string }; answer: boolean };
  prune: { input: null; answer: number };
  head: { input: null; answer: HeadReply | undefined };
  close: { input: string; answer: string | undefined };
}

/** The head as it crosses a thread. */
export interface HeadReply {
  readonly segment: number;
  readonly offset: number;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CallPacket {
  readonly kind: 'call';
  readonly id: number;
  readonly name: keyof KeeperCalls;
  readonly input: unknown;
}

export type OwnerPacket =
  | { readonly kind: 'ready'; readonly lossAccepted: boolean; readonly cutBytes: number }
  | { readonly kind: 'failed'; readonly error: WireError }
  | { readonly kind: 'trouble'; readonly message: string | undefined }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly error: WireError };

type Answers = {
  readonly [Name in keyof KeeperCalls]: (
    input: KeeperCalls[Name]['input'],
  ) => KeeperCalls[Name]['answer'] | Promise<KeeperCalls[Name]['answer']>;
};

function tell(packet: OwnerPacket): void {
  parentPort?.postMessage(packet);
}

function wire(error: unknown, start: KeeperStart): WireError {
  if (error instanceof HostError) return toWire(error);
  const why = error instanceof Error ? error.message : String(error);
  const message = `cannot keep the audit chain in ${start.folder}: ${why}`;
  return { code: 'HOST_ERR_AUDIT_UNWRITABLE', message, data: { folder: start.folder } };
}

function answersOf(keeper: ChainKeeper): Answers {
  return {
    connect: ({ port, thread, count }) => {
      keeper.connect(port, { thread, count });
      return null;
    },
    subscribe: (port) => {
      keeper.subscribe(port);
      return null;
    },
    rotateKey: async ({ privateKey, generation }) => {
      await keeper.rotateKey(keySigner(privateKey), generation);
      return null;
    },
    revokeKey: async ({ publicKey, reason }) => {
      await keeper.revokeKey(publicKey, reason);
      return null;
    },
    markKeyring: async (keyring) => {
      await keeper.markKeyring(keyring);
      return null;
    },
    forget: ({ subject, reason }) => keeper.forget(subject, reason),
    prune: () => keeper.prune(),
    head: () => {
      const { head } = keeper;
      if (head === undefined) return undefined;
      const { payload, signature } = head.signed;
      return { segment: head.segment, offset: head.offset, payload, signature };
    },
    close: (reason) => keeper.close(reason),
  };
}

/** The keeper, once the first event of this run is durable: a host that cannot record does not start. */
async function started(start: KeeperStart): Promise<ChainKeeper> {
  const failed = Promise.withResolvers<never>();
  let onTrouble = (message: string | undefined): void => failed.reject(new Error(message));
  const keeper = new ChainKeeper({
    ...start,
    signer: keySigner(start.privateKey),
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    onTrouble: (message) => onTrouble(message),
  });
  await Promise.race([keeper.flushed(), failed.promise]);
  onTrouble = (message) => tell({ kind: 'trouble', message });
  // What grew old while the host was away.
  await keeper.prune();
  return keeper;
}

async function run(start: KeeperStart): Promise<void> {
  let keeper: ChainKeeper;
  try {
    keeper = await started(start);
  } catch (error) {
    tell({ kind: 'failed', error: wire(error, start) });
    return;
  }
  const answers = answersOf(keeper);
  parentPort?.on('message', async ({ id, name, input }: CallPacket) => {
    try {
      const answer = await (answers[name] as (input: unknown) => unknown)(input);
      tell({ kind: 'answer', id, answer });
    } catch (error) {
      tell({ kind: 'refused', id, error: wire(error, start) });
    }
  });
  const { cut, loss } = keeper.recovered;
  tell({ kind: 'ready', lossAccepted: loss !== undefined, cutBytes: cut?.bytes ?? 0 });
}

void run(workerData as KeeperStart);
