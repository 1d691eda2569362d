import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { namedFields } from '../../host/audit/event.ts';
import { markStart } from '../../host/audit/keyring-marks.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { recordRevocation, recordRotation } from '../../host/host/record/key-record.ts';
import { Trust, type TrustOptions } from '../../host/host/trust/trust.ts';
import { temporaryState } from '../support/hosted.ts';

// An older keyring takes back rotations and revocations. The audit chain knows which one was the last.

function opened(stateFolder: string, options: Partial<TrustOptions> = {}): Promise<Trust> {
  return Trust.open({
    stateFolder,
    clock: systemClock,
    random: systemRandom,
    version: 'test',
    onAudit: () => {},
    onPolicies: () => {},
    ...options,
  });
}

async function during(
  state: string,
  act: (trust: Trust) => Promise<void>,
  options?: Partial<TrustOptions>,
): Promise<void> {
  const trust = await opened(state, options);
  await act(trust);
  await trust.pen?.flushed();
  await trust.close('test');
}

async function rotateAgent(trust: Trust): Promise<void> {
  trust.keyring.rotate('agent/billing');
  await recordRotation(trust, 'agent/billing', 'local');
}

async function revokeAgent(trust: Trust): Promise<void> {
  const { publicKey } = trust.keyring.key('agent/billing');
  trust.keyring.revoke('agent/billing', trust.keyring.generation('agent/billing'), 'compromised');
  await recordRevocation(trust, 'agent/billing', publicKey, 'compromised', 'local');
}

/** A host with a rotation, its keyring of then beside it, and a revocation after that. */
async function revoked(t: TestContext): Promise<{ state: string; path: string; old: string }> {
  const state = temporaryState(t);
  const path = join(state, 'keys', 'keyring.json');
  const old = join(state, 'old.json');
  await during(state, rotateAgent);
  copyFileSync(path, old);
  await during(state, revokeAgent);
  return { state, path, old };
}

const tooOld = {
  code: 'HOST_ERR_IDENTITY_CORRUPT',
  message:
    /version 1, and the audit chain knows version 3: an older one was put in its place.*put back the newest/,
};

test('a keyring goes on over starts, with its rotations and revocations', async (t) => {
  const { state } = await revoked(t);
  await during(state, async ({ keyring }) => {
    assert.deepEqual([keyring.version, keyring.generation('agent/billing')], [3, 3]);
    assert.equal(keyring.isGood('agent/billing', 2, 0), false);
  });
});

test('one of before a revocation that is put back, or none, is refused at the start, and the chain is as it was', async (t) => {
  const { state, path, old } = await revoked(t);
  const events = [...readEvents(join(state, 'audit'))].length;
  copyFileSync(old, path);
  await assert.rejects(opened(state), tooOld);
  rmSync(path);
  await assert.rejects(opened(state), {
    ...tooOld,
    message: /version 0, and the audit chain knows version 3/,
  });
  assert.equal([...readEvents(join(state, 'audit'))].length, events);
});

test('another of the same version is refused as well: it went its own way', async (t) => {
  const { state, path, old } = await revoked(t);
  const newest = readFileSync(path);
  copyFileSync(old, path);
  // On a copy of the keys alone, nobody's chain.
  await during(
    state,
    async ({ keyring }) => {
      keyring.rotate('agent/other');
      keyring.rotate('agent/other');
    },
    { auditLevel: 'off' },
  );
  await assert.rejects(opened(state), { code: 'HOST_ERR_IDENTITY_CORRUPT', message: /version 3.*version 3/ });
  writeFileSync(path, newest, { mode: 0o600 });
  await during(state, async () => {});
});

test('an operator may go on with the old one: that is on the chain, and it is the newest from then on', async (t) => {
  const { state, path, old } = await revoked(t);
  copyFileSync(old, path);
  await during(state, async ({ keyring }) => assert.equal(keyring.version, 4), { acceptOldKeyring: true });
  const told = [...readEvents(join(state, 'audit'))].filter(({ name }) => name === 'keyring-rolled-back');
  assert.deepEqual(
    told.map((event) => namedFields(event)),
    [{ version: 3, found: 1 }],
  );
  await during(state, async () => {});
  copyFileSync(old, path);
  await assert.rejects(opened(state), { ...tooOld, message: /knows version 4/ });
});

test('what agents have recorded is no mark of a keyring, however much it looks like one', async (t) => {
  const { state, path, old } = await revoked(t);
  const marks = [...readEvents(join(state, 'audit'))].flatMap((event) =>
    event.name === 'keyring-marked' ? [namedFields(event).mark as Uint8Array] : [],
  );
  const [first = new Uint8Array(0)] = marks;
  const forged = Buffer.from(first);
  forged.writeBigUInt64BE(99n, markStart.length);
  await during(state, async ({ pen }) => {
    pen?.append(kinds.hostCall, 'evil', '', 'f', 'ok', forged, null);
    // An older one of the host's own, read off the chain, is older.
    pen?.append(kinds.hostCall, 'evil', '', 'f', 'ok', first, null);
  });
  await during(state, async () => {});
  copyFileSync(old, path);
  await assert.rejects(opened(state), tooOld);
});
