import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Audit } from '../../host/audit/audit.ts';
import type { AuditEvent } from '../../host/audit/event.ts';
import { type ExportFormat, exportLine } from '../../host/audit/export.ts';
import type { EventFilter } from '../../host/audit/filter.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { makeProof, parseProof, proofText, verifyProof } from '../../host/audit/proof.ts';
import { queryChain } from '../../host/audit/query.ts';
import { eventText, verificationText } from '../../host/audit/text.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { HostError } from '../../host/errors.ts';
import { type KeyPair, newKey, startAudit, temporary } from './audit-parts.ts';

async function chain(t: TestContext, folder: string, key: KeyPair): Promise<void> {
  const audit: Audit = await startAudit(t, folder, key, {
    limits: { segmentBytesMax: 3_000, uncertaintyMs: 50 },
  });
  const pen = audit.pen();
  for (let number = 0; number < 100; number++) {
    const agent = number % 2 === 0 ? 'shop' : 'billing';
    pen.append(kinds.messageSent, agent, 'alice', `m${number}`, 'orders.new', 'store', 12, null, null);
    if (number % 10 === 0)
      pen.append(kinds.messageDenied, agent, '', `d${number}`, 'secret|x=1\n', 'store', 'no grant');
    if (number % 7 === 0) await pen.flushed();
  }
  await pen.close();
  await audit.close();
}

async function all(folder: string, filter: EventFilter): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const event of queryChain(folder, filter)) events.push(event);
  return events;
}

test('a query finds by kind, agent, principal, time and sequence', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(t, folder, key);
  const events = await all(folder, {});
  assert.equal(events.length, 112);
  assert.equal((await all(folder, { kinds: [kinds.messageDenied] })).length, 10);
  assert.equal((await all(folder, { agents: ['billing'] })).length, 50);
  assert.equal((await all(folder, { principal: 'alice', agents: ['shop'] })).length, 50);
  assert.equal((await all(folder, { principal: 'nobody' })).length, 0);
  const part = await all(folder, { fromSequence: 40, toSequence: 60 });
  assert.deepEqual([part[0]?.sequence, part.at(-1)?.sequence, part.length], [40, 60, 21]);
  const middle = events[50]?.timeMs ?? 0;
  const [before, after] = [await all(folder, { toMs: middle }), await all(folder, { fromMs: middle })];
  assert.equal(before.length + after.length, 112);
  assert.ok(before.every(({ timeMs }) => timeMs < middle) && after.length > 0);
});

test('one event is proven alone, with the public key; nothing else passes for it', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(t, folder, key);
  for (let sequence = 1; sequence <= 112; sequence++) {
    const proof = parseProof(proofText(makeProof(folder, sequence)));
    const verdict = verifyProof(proof, [key.publicKey]);
    assert.equal(verdict.isIncluded && verdict.event.sequence, sequence);
    assert.equal(verifyProof({ ...proof, sequence: sequence + 1 }, [key.publicKey]).isIncluded, false);
    assert.equal(verifyProof(proof, [newKey().publicKey]).isIncluded, false);
    const record = Uint8Array.from(proof.record);
    record[record.length - 1] = (record.at(-1) as number) ^ 1;
    assert.equal(verifyProof({ ...proof, record }, [key.publicKey]).isIncluded, false);
    const signature = Uint8Array.from(proof.signed.signature);
    signature[3] = (signature[3] as number) ^ 1;
    const forged = { ...proof, signed: { ...proof.signed, signature } };
    assert.equal(verifyProof(forged, [key.publicKey]).isIncluded, false);
  }
  for (const sequence of [0, -1, 113, 1.5])
    assert.throws(() => makeProof(folder, sequence), { code: 'HOST_ERR_AUDIT_UNKNOWN' });
  for (const text of ['', '{}', 'null', '{"kind":"motehost-audit-proof","version":1,"path":[1]}'])
    assert.throws(() => parseProof(text), HostError);
});

test('events are exported as JSON Lines, OCSF and CEF; text in them cannot break the line', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(t, folder, key);
  const [denied] = await all(folder, { kinds: [kinds.messageDenied] });
  assert.ok(denied !== undefined);
  const line = (format: ExportFormat): string =>
    exportLine(denied, format, { hostName: 'h1', version: '1.0' });
  const json = JSON.parse(line('jsonl'));
  assert.deepEqual(
    [json.kind, json.agent, json.subject, json.reason],
    ['message-denied', 'shop', 'secret|x=1\n', 'no grant'],
  );
  const ocsf = JSON.parse(line('ocsf'));
  assert.equal(ocsf.type_uid, ocsf.class_uid * 100 + ocsf.activity_id);
  assert.deepEqual([ocsf.class_uid, ocsf.status_id, ocsf.metadata.uid], [6003, 2, String(denied.sequence)]);
  const cef = line('cef');
  assert.match(
    cef,
    /^CEF:0\|Motehost\|host\|1\.0\|32\|message-denied\|6\|rt=\d+ externalId=\d+ dvchost=h1 sproc=shop /,
  );
  assert.ok(cef.includes('moteSubject=secret|x\\=1\\n'));
  for (const format of ['jsonl', 'ocsf', 'cef'] as const) assert.equal(line(format).includes('\n'), false);
  assert.match(eventText(denied), /^\d+ \S+ message-denied shop message=d0 subject=secret\|x=1\\x0a/);
  assert.match(
    verificationText(await verifyChain(folder, [key.publicKey])),
    /^intact: 112 events \(1 to 112\)/,
  );
});

test('the live stream gives durable events as they come, filtered', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key);
  const stream = audit.stream({ filter: { agents: ['shop'] } });
  const pen = audit.pen();
  for (let number = 0; number < 3_000; number++)
    pen.append(kinds.agentStarted, number % 3 === 0 ? 'shop' : 'billing', '', `i${number}`);
  const seen: AuditEvent[] = [];
  for await (const event of stream) {
    if ('events' in event) continue;
    seen.push(event);
    if (seen.length === 1_000) break;
  }
  assert.deepEqual(
    seen.map(({ fields }) => fields[0]),
    Array.from({ length: 1_000 }, (_, index) => `i${index * 3}`),
  );
  await pen.close();
  await audit.close();
  assert.deepEqual(seen, await all(folder, { agents: ['shop'] }));
});

test('a reader that does not read holds up nobody: what it missed is counted', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key);
  const stream = audit.stream();
  const pen = audit.pen();
  const total = 12_000;
  for (let number = 0; number < total; number++) {
    pen.append(kinds.trap, 'shop', '', 'unreachable', 'x'.repeat(1_000), 'i1');
    if (number % 500 === 499) await pen.flushed();
  }
  let [seen, missed] = [0, 0];
  const reading = (async () => {
    for await (const event of stream) {
      if ('events' in event) missed += event.events;
      else if (event.name === 'agent-stopped') break;
      else seen += event.name === 'trap' ? 1 : 0;
    }
  })();
  // Once it reads, it is sent to again.
  while (missed === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    pen.append(kinds.agentStarted, 'shop', '', 'i1');
    await pen.flushed();
  }
  pen.append(kinds.agentStopped, 'shop', '', 'done');
  await pen.close();
  await reading;
  assert.ok(seen > 1_000 && seen < total);
  assert.ok(missed >= total - seen);
  await audit.close();
});
