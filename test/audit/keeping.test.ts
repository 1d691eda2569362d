import assert from 'node:assert/strict';
import { createHmac, hash } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { chainLimits } from '../../host/audit/audit.ts';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { namedFields } from '../../host/audit/event.ts';
import { Personal } from '../../host/audit/field.ts';
import { jsonEvent } from '../../host/audit/json.ts';
import { lastMarks, markStart } from '../../host/audit/keyring-marks.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { queryChain } from '../../host/audit/query.ts';
import { segmentNumbers, segmentPath } from '../../host/audit/segment.ts';
import { keySigner, publicKeyText } from '../../host/audit/signer.ts';
import { subjectsPath } from '../../host/audit/subject-file.ts';
import { personalReader } from '../../host/audit/subjects.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import type { Clock } from '../../host/clock.ts';
import { systemClock } from '../../host/clock.ts';
import { keep, newKey, subjects, temporary } from './audit-parts.ts';

const small = { ...chainLimits, segmentBytesMax: 2_000 };

test('a key that the present one introduces is followed; a revoked one is not', async (t) => {
  const [folder, first, second] = [temporary(t), newKey(), newKey()];
  const { keeper, pen } = keep(folder, first, { limits: small });
  const append = async (): Promise<void> => {
    pen.append(kinds.agentStarted, 'shop', '', 'i1');
    await pen.flushed();
  };
  await append();
  await keeper.rotateKey(keySigner(second.privateKey), 2);
  for (let round = 0; round < 20; round++) await append();
  await keeper.revokeKey(first.publicKey, 'the disk was stolen');
  await append();
  await pen.close();
  await keeper.close('test');
  // Who knows the first key alone follows.
  assert.deepEqual((await verifyChain(folder, [first.publicKey])).faults, []);
  const { faults } = await verifyChain(folder, [second.publicKey]);
  const handedOver = (await Array.fromAsync(queryChain(folder))).find(
    ({ kind }) => kind === kinds.keyRotated,
  )?.sequence;
  assert.equal(faults.length, 1);
  assert.deepEqual([faults[0]?.kind, faults[0]?.sequence, faults[0]?.batch], ['key', 1, 1]);
  assert.match(
    faults[0]?.detail ?? '',
    new RegExp(
      `begins under an earlier key ${publicKeyText(first.publicKey)}; give that one with --key: it handed over in event ${handedOver},`,
    ),
  );
  // What comes after is checked with the second key as ever.
  const path = segmentPath(folder, segmentNumbers(folder).at(-2) ?? 0);
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf('shop');
  writeFileSync(path, Buffer.concat([bytes.subarray(0, at), Buffer.from('shoq'), bytes.subarray(at + 4)]));
  const byFirst = (await verifyChain(folder, [first.publicKey])).faults;
  assert.deepEqual(
    byFirst.map(({ kind }) => kind),
    ['changed'],
  );
  const bySecond = (await verifyChain(folder, [second.publicKey])).faults;
  assert.deepEqual(bySecond, [faults[0], ...byFirst]);
  writeFileSync(path, bytes);
  // With the old key nothing can be gone on with.
  assert.throws(() => keep(folder, first), { code: 'HOST_ERR_AUDIT_CORRUPT' });
  const again = keep(folder, second, { earlierKeys: [first.publicKey] });
  await again.pen.close();
  await again.keeper.close('test');
  assert.deepEqual((await verifyChain(folder, [first.publicKey])).faults, []);
});

test('what was signed with a revoked key after its revocation is found', async (t) => {
  const [folder, first, second] = [temporary(t), newKey(), newKey()];
  const { keeper, pen } = keep(folder, first);
  await keeper.rotateKey(keySigner(second.privateKey), 2);
  await keeper.revokeKey(first.publicKey, 'lost');
  await keeper.rotateKey(keySigner(first.privateKey), 3);
  const sequence = (await verifyChain(folder, [first.publicKey])).lastSequence;
  pen.append(kinds.agentStarted, 'shop', '', 'i1');
  await pen.close();
  await keeper.close('test');
  const { faults } = await verifyChain(folder, [first.publicKey]);
  assert.equal(faults[0]?.kind, 'key');
  assert.equal(faults[0]?.sequence, (sequence ?? 0) + 1);
});

test('retention deletes whole segments and leaves a signed word; a stranger finds the rest intact', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const retention = { retentionMsMax: null, retentionBytesMax: 5_000 };
  const { keeper, pen } = keep(folder, key, { limits: small, retention });
  for (let number = 0; number < 200; number++) {
    pen.append(kinds.agentStarted, 'shop', '', `i${number}`);
    if (number % 5 === 0) await pen.flushed();
  }
  await pen.close();
  await keeper.prune();
  await keeper.close('test');
  const numbers = segmentNumbers(folder);
  assert.ok((numbers[0] ?? 0) > 1 && numbers.length <= 5, numbers.join());
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes], [[], []]);
  assert.equal(found.firstSequence, (found.prunedTo ?? 0) + 1);
  assert.ok([...readEvents(folder)].some(({ name }) => name === 'pruned'));
  // Without that word, it is a removal.
  rmSync(segmentPath(folder, numbers[0] ?? 0));
  const { faults } = await verifyChain(folder, [key.publicKey]);
  assert.equal(faults[0]?.kind, 'removed');
});

test('what is said about a person is readable with the key, and never again once that is erased', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  for (const who of ['alice', 'bob'])
    pen.append(
      kinds.toolCall,
      'clinic',
      '',
      'lookup',
      'ok',
      new Personal(who, `${who}@example.org`),
      null,
      5,
    );
  await pen.flushed();
  const bytes = readFileSync(segmentPath(folder, 1));
  assert.equal(bytes.includes('alice'), false);
  const calls = (): Record<string, unknown>[] => {
    const reader = personalReader(folder, keeper.recovered.chain, subjects.key);
    const events = [...readEvents(folder)].filter(({ name }) => name === 'tool-call');
    return events.map((event) => jsonEvent(event, reader));
  };
  assert.deepEqual(
    calls().map((event) => event.argumentsSha256),
    ['alice@example.org', 'bob@example.org'],
  );
  assert.equal(await keeper.forget('alice', 'asked for it'), true);
  assert.equal(await keeper.forget('alice', 'asked again'), false);
  assert.equal(await keeper.forget('carol', 'unknown'), false);
  assert.deepEqual(
    calls().map((event) => event.argumentsSha256),
    [{ erased: 0 }, 'bob@example.org'],
  );
  await pen.close();
  await keeper.close('test');
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
  const erased = [...readEvents(folder)].find(({ name }) => name === 'erased');
  assert.deepEqual(erased && namedFields(erased), { subject: 0, reason: 'asked for it' });
  // After a restart as before; the name is new to the chain.
  const again = keep(folder, key);
  again.pen.append(kinds.toolCall, 'clinic', '', 'lookup', 'ok', new Personal('alice', 'again'), null, 5);
  await again.pen.close();
  await again.keeper.close('test');
  assert.deepEqual(
    calls().map((event) => event.argumentsSha256),
    [{ erased: 0 }, 'bob@example.org', 'again'],
  );
});

test('keys that others may read are not used', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  await pen.close();
  await keeper.close('test');
  chmodSync(subjectsPath(folder), 0o644);
  assert.throws(() => keep(folder, key), { code: 'HOST_ERR_AUDIT_CORRUPT' });
});

test('a wall clock that was set is recorded', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  let aheadNs = 0n;
  const clock: Clock = { ...systemClock, wallNs: () => systemClock.wallNs() + aheadNs };
  const { keeper, pen } = keep(folder, key, { clock });
  pen.append(kinds.agentStarted, 'shop', '', 'i1');
  await pen.flushed();
  aheadNs = 3_600_000_000_000n;
  pen.append(kinds.agentStarted, 'shop', '', 'i2');
  await pen.close();
  await keeper.close('test');
  const jumps = [...readEvents(folder)].filter(({ name }) => name === 'clock-jumped');
  assert.equal(jumps.length, 1);
  const [expected, found] = jumps[0]?.fields ?? [];
  assert.ok(Math.abs(Number(found) - Number(expected) - 3_600_000) < 1_000);
});

test('long fields, many long fields and any kind of value are recorded, or their digest is', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  const long = 'ä'.repeat(60_000);
  pen.append(kinds.trap, 'shop', '', 'unreachable', long, 'i1');
  pen.append(
    kinds.decision,
    '',
    'alice',
    'bus.send',
    'x'.repeat(8_000),
    'y'.repeat(8_000),
    ['p1', 'p2'],
    'z'.repeat(8_000),
    'w'.repeat(8_000),
  );
  pen.append(kinds.limit, 'x'.repeat(40_000), '', 'fuel', 2 ** 53, 12345678901234567890n, 'i1');
  pen.append(kinds.clockJumped, 'ünïcode', '', -5, 1.5);
  pen.append(kinds.policyChanged, '', '', 3, new Uint8Array(32), null);
  await pen.close();
  await keeper.close('test');
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
  const [, trap, decision, limit, jump, policy] = [...readEvents(folder)];
  assert.deepEqual(trap?.fields[1], {
    kind: 'long',
    bytes: 120_000,
    sha256: new Uint8Array(hash('sha256', long, 'buffer')),
  });
  assert.deepEqual(decision?.fields[3], ['p1', 'p2']);
  assert.match(String(decision?.fields[1]), /^sha256:/);
  assert.deepEqual(limit?.fields.slice(1, 3), [9007199254740992n, 12345678901234567890n]);
  assert.equal(limit?.agent?.length, 256);
  assert.deepEqual([jump?.agent, ...(jump?.fields ?? [])], ['ünïcode', -5, 1.5]);
  assert.deepEqual(policy?.fields, [3, new Uint8Array(32), null]);
});

const said = (who: string): Personal => new Personal(who, `${who}@example.org`);

/** What a chain says about people, in order. */
function personalOf(folder: string, chain: Uint8Array): unknown[] {
  const reader = personalReader(folder, chain, subjects.key);
  const events = [...readEvents(folder)].filter(({ name }) => name === 'tool-call');
  return events.map((event) => jsonEvent(event, reader).argumentsSha256);
}

test('the keys to what is said about people are of use to nobody without the secret of their host', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  pen.append(kinds.toolCall, 'clinic', '', 'lookup', 'ok', said('alice'), null, 5);
  await pen.close();
  await keeper.close('test');
  const { chain } = keeper.recovered;
  assert.deepEqual(personalOf(folder, chain), ['alice@example.org']);
  const other = { ...subjects, key: new Uint8Array(32).fill(6) };
  const foreign = { code: 'HOST_ERR_AUDIT_CORRUPT', message: /sealed by another host/ };
  assert.throws(() => personalReader(folder, chain, other.key), foreign);
  assert.throws(() => keep(folder, key, { subjects: other }), foreign);
  // A key in the place of another is none.
  const path = subjectsPath(folder);
  const bytes = readFileSync(path);
  const slot = bytes.subarray(-92);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, -92), Buffer.alloc(92), slot]));
  assert.deepEqual(personalOf(folder, chain), [{ erased: 0 }]);
});

test('keys of a time before they were sealed are taken over when an operator says so, and nothing open is left', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  await pen.close();
  await keeper.close('test');
  const { chain } = keeper.recovered;
  const [salt, alices] = [Buffer.alloc(32, 3), Buffer.alloc(32, 4)];
  const name = createHmac('sha256', salt).update('alice').digest();
  const path = subjectsPath(folder);
  writeFileSync(path, Buffer.concat([Buffer.from('MHSK1\0\0\0'), salt, Buffer.alloc(64), name, alices]));
  const refused = { code: 'HOST_ERR_AUDIT_CORRUPT', message: /not sealed.*--take-unsealed/ };
  assert.throws(() => keep(folder, key), refused);
  assert.throws(() => personalReader(folder, chain, subjects.key), refused);
  const again = keep(folder, key, { subjects: { ...subjects, takesUnsealed: true } });
  again.pen.append(kinds.toolCall, 'clinic', '', 'lookup', 'ok', said('alice'), null, 5);
  again.pen.append(kinds.toolCall, 'clinic', '', 'lookup', 'ok', said('bob'), null, 5);
  await again.pen.close();
  await again.keeper.close('test');
  const bytes = readFileSync(path);
  assert.equal(bytes.toString('latin1', 0, 5), 'MHSK2');
  assert.ok(!bytes.includes(alices) && !bytes.includes(name) && !bytes.includes(salt));
  const sealedIn = [...readEvents(folder)]
    .filter((event) => event.name === 'tool-call')
    .map((event) => jsonEvent(event).argumentsSha256);
  assert.deepEqual(sealedIn, [{ sealed: 1 }, { sealed: 2 }], 'alice has the place she had');
  assert.deepEqual(personalOf(folder, chain), ['alice@example.org', 'bob@example.org']);
});

test('every segment says which keyring its host has, whatever became of those before', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const markOf = (version: number): Buffer => Buffer.concat([markStart, Buffer.from([version])]);
  const keyring = { version: 1, mark: markOf(1) };
  const { keeper, pen } = keep(folder, key, { limits: small, keyring });
  await keeper.markKeyring({ version: 2, mark: markOf(2) });
  for (let round = 0; round < 100; round++) {
    pen.append(kinds.agentStarted, 'shop', '', 'i1');
    if (round % 5 === 0) await pen.flushed();
  }
  await pen.close();
  await keeper.close('test');
  const numbers = segmentNumbers(folder);
  assert.ok(numbers.length > 3);
  for (const number of numbers.slice(0, -2)) rmSync(segmentPath(folder, number));
  const found = lastMarks(folder, markStart.length + 1, () => true);
  assert.ok(found.length > 0 && found.every((mark) => mark.at(-1) === 2));
});
