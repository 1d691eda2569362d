import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Audit, type AuditOptions, chainLimits } from '../../host/audit/audit.ts';
import { systemDisk } from '../../host/audit/disk.ts';
import { ChainKeeper, type KeeperOptions } from '../../host/audit/keeper.ts';
import { AuditPen, type PenOptions } from '../../host/audit/pen.ts';
import { keySigner } from '../../host/audit/signer.ts';
import type { SubjectsSeal } from '../../host/audit/subject-file.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';

export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Under which the keys to what is said about people are sealed. */
export const subjects: SubjectsSeal = { key: new Uint8Array(32).fill(5), takesUnsealed: false };

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export function newKey(): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey: keySigner(privateKey).publicKey };
}

/** Ended with the test at the latest. */
export async function startAudit(
  t: TestContext,
  folder: string,
  { privateKey }: KeyPair,
  options: Partial<AuditOptions> = {},
): Promise<Audit> {
  const audit = await Audit.start({
    folder,
    privateKey,
    version: '0.0.0-test',
    clock: systemClock,
    subjects,
    ...options,
  });
  t.after(() => audit.terminate());
  return audit;
}

export interface Kept {
  readonly keeper: ChainKeeper;
  readonly pen: AuditPen;
  readonly troubles: (string | undefined)[];
  /** Makes another pen. */
  readonly newPen: (options?: Partial<PenOptions>) => AuditPen;
}

/** The chain's keeper in this thread, with whatever disk and clock the test gives. */
export function keep(folder: string, key: KeyPair, options: Partial<KeeperOptions> = {}): Kept {
  const state = new SharedArrayBuffer(4);
  const troubles: (string | undefined)[] = [];
  const keeper = new ChainKeeper({
    folder,
    signer: keySigner(key.privateKey),
    earlierKeys: [],
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    limits: { ...chainLimits, retryMs: 1 },
    retention: { retentionMsMax: null, retentionBytesMax: null },
    clockJumpMsMax: 1_000,
    acceptLoss: false,
    subjects,
    keyring: undefined,
    version: '0.0.0-test',
    state,
    onTrouble: (message) => troubles.push(message),
    ...options,
  });
  let thread = 0;
  const newPen = (penOptions: Partial<PenOptions> = {}): AuditPen => {
    const { port1, port2 } = new MessageChannel();
    keeper.connect(port1);
    thread += 1;
    return new AuditPen(
      { port: port2, state, thread },
      { clock: options.clock ?? systemClock, ...penOptions },
    );
  };
  return { keeper, pen: newPen(), troubles, newPen };
}
