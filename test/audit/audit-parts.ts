import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Audit, type AuditOptions } from '../../host/audit/audit.ts';
import { keySigner } from '../../host/audit/signer.ts';
import { systemClock } from '../../host/clock.ts';

export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export function newKey(): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey: keySigner(privateKey).publicKey };
}

export function startAudit(
  folder: string,
  { privateKey }: KeyPair,
  options: Partial<AuditOptions> = {},
): Promise<Audit> {
  return Audit.start({ folder, privateKey, version: '0.0.0-test', clock: systemClock, ...options });
}
