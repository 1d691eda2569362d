import { createHmac, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { lastMarks, markStart } from '../../audit/keyring-marks.ts';
import { HostError } from '../../errors.ts';
import type { HostSecret } from '../../identity/host-secret.ts';
import type { Keyring } from '../../identity/keyring.ts';
import type { Trust } from './trust.ts';

const versionAt = markStart.length;
const digestAt = versionAt + 8;
const macAt = digestAt + 32;
const markBytes = macAt + 32;

/** Which keyring a host has, in bytes that only it can make: on its audit chain they outlive the file. */
export function keyringMark({ version, digest }: Keyring, secret: HostSecret): Uint8Array {
  const mark = Buffer.alloc(markBytes);
  mark.set(markStart);
  mark.writeBigUInt64BE(BigInt(version), versionAt);
  mark.set(digest, digestAt);
  mark.set(macOf(mark, secret), macAt);
  return mark;
}

function macOf(mark: Buffer, secret: HostSecret): Buffer {
  return createHmac('sha256', secret.subkey('keyring-mark')).update(mark.subarray(0, macAt)).digest();
}

/** An older keyring than the chain has a mark of. */
export interface RolledBack {
  readonly version: number;
  readonly found: number;
}

/**
 * Whether a host's keyring is the newest that its audit chain knows of. An older one, put back, would take back
 * rotations and revocations.
 * @returns undefined when it is; else what to record, if `isAccepted`: the keyring has then a version above both
 * @throws HostError `HOST_ERR_IDENTITY_CORRUPT`
 */
export function requireNewestKeyring(
  stateFolder: string,
  keyring: Keyring,
  secret: HostSecret,
  isAccepted: boolean,
): RolledBack | undefined {
  const isOwn = (mark: Buffer): boolean => timingSafeEqual(macOf(mark, secret), mark.subarray(macAt));
  const newest = lastMarks(join(stateFolder, 'audit'), markBytes, isOwn).reduce<Buffer | undefined>(
    (last, mark) => (last === undefined || versionOf(mark) >= versionOf(last) ? mark : last),
    undefined,
  );
  if (newest === undefined) return undefined;
  const version = versionOf(newest);
  const found = keyring.version;
  const isSame = Buffer.compare(newest.subarray(digestAt, macAt), keyring.digest) === 0;
  if (found > version || (found === version && isSame)) return undefined;
  const path = join(stateFolder, 'keys', 'keyring.json');
  if (!isAccepted)
    throw new HostError(
      'HOST_ERR_IDENTITY_CORRUPT',
      `${path} is version ${found}, and the audit chain knows version ${version}: an older one was put in its place, and what was rotated or revoked since would count again; ` +
        'put back the newest one; or, if there is none, start once with --accept-old-keyring, then rotate and revoke again',
      { path, version, found },
    );
  keyring.supersede(version);
  return { version, found };
}

function versionOf(mark: Buffer): number {
  return Number(mark.readBigUInt64BE(versionAt));
}

/** Puts the keyring as it is now on the chain; resolves when that is durable. */
export async function recordKeyring({ audit, keyring, secret }: Trust): Promise<void> {
  await audit?.markKeyring(keyring.version, keyringMark(keyring, secret));
}
