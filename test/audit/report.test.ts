import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from '../../host/audit/kinds.ts';
import { verifyProof } from '../../host/audit/proof.ts';
import { builtInTemplate, type ComplianceReport, makeReport, templates } from '../../host/audit/report.ts';
import { parseTemplate, type ReportTemplate } from '../../host/audit/report-template.ts';
import { reportJson, reportText } from '../../host/audit/report-text.ts';
import { segmentPath } from '../../host/audit/segment.ts';
import { type KeyPair, keep, newKey, temporary } from './audit-parts.ts';

const own = `
name = "house"
title = "House rules"

[[control]]
id = "1"
title = "Decisions"
asks = "Each decision is on the record."
evidence = ["decision"]
min = 3
exceptions = ["message-denied"]
retention-days = 30

[[control]]
id = "2"
title = "Training"
asks = "People are trained."
outside = "All of it."
`;

async function chain(folder: string, key: KeyPair, decisions: number): Promise<void> {
  const { keeper, pen } = keep(folder, key);
  for (let number = 0; number < decisions; number++)
    pen.append(kinds.decision, 'shop', 'alice', 'bus.send', 'orders', 'allow', [`p${number}`], null, null);
  pen.append(kinds.messageDenied, 'shop', '', 'm1', 'secret', 'store', 'no grant');
  await pen.close();
  await keeper.close('test');
}

function report(folder: string, key: KeyPair, template: ReportTemplate): Promise<ComplianceReport> {
  const nowMs = Date.now();
  return makeReport({ folder, publicKeys: [key.publicKey], template, fromMs: 0, toMs: nowMs + 1, nowMs });
}

test('a report names the evidence, each with a proof of its own, and the gaps', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(folder, key, 20);
  const made = await report(folder, key, parseTemplate(own));
  const [first, second] = made.controls;
  assert.equal(first?.counts.get(kinds.decision), 20);
  assert.equal(first?.evidence.length, 10);
  assert.deepEqual(first?.gaps, []);
  assert.equal(first?.exceptions[0]?.event.name, 'message-denied');
  for (const { event, proof } of [...(first?.evidence ?? []), ...(first?.exceptions ?? [])]) {
    assert.ok(proof !== undefined);
    const verdict = verifyProof(proof, [key.publicKey]);
    assert.deepEqual(verdict.isIncluded && verdict.event, event);
  }
  assert.deepEqual(second?.gaps, ['not on this record: All of it.']);
  assert.match(made.gaps.join(), /how exact the clock is, nobody said/);
  const text = reportText(made);
  assert.match(text, /^# House rules\n/);
  assert.match(text, /20 decision, 1 message-denied/);
  assert.equal(JSON.parse(reportJson(made)).controls[0].evidence.length, 10);
});

test('too little evidence, a damaged record and a period that is not covered are gaps', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(folder, key, 2);
  const few = await report(folder, key, parseTemplate(own));
  assert.match(few.controls[0]?.gaps.join() ?? '', /2 events show it, 3 are asked: decision/);
  assert.match(few.gaps.join(), /the record begins at .* after the period does: it began then/);
  const stranger = await report(folder, newKey(), parseTemplate(own));
  assert.match(stranger.gaps[0] ?? '', /the chain is not intact: event 1/);
  rmSync(segmentPath(folder, 1));
  const empty = await report(folder, key, parseTemplate(own));
  assert.match(empty.gaps.join(), /not intact.*the chain has no events/);
});

test('HIPAA, GDPR and SOX come with the host', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await chain(folder, key, 5);
  for (const name of Object.keys(templates)) {
    const template = builtInTemplate(name);
    assert.ok(template !== undefined && template.name === name);
    const made = await report(folder, key, template);
    assert.ok(made.controls.length >= 5);
    assert.ok(made.controls.some(({ gaps }) => gaps.length > 0));
    assert.ok(made.controls.some(({ evidence }) => evidence.length > 0));
  }
  assert.equal(builtInTemplate('iso'), undefined);
});

test('a template that cannot be used says why', () => {
  const wrong: Record<string, RegExp> = {
    'name = ': /line 1/,
    'name = "a"\ntitle = "b"': /no \[\[control\]\]/,
    [own.replace('"decision"', '"decisions"')]: /no kind of event called "decisions"/,
    [own.replace('min = 3', 'min = -1')]: /"min" is not a whole number/,
    [own.replace('outside = "All of it."', '')]: /control 2 names no kind in "evidence"/,
    [own.replace('asks =', 'ask =')]: /control 1 has the unknown key "ask"/,
    [own.replace('id = "1"', '')]: /control 1 has no text in "id"/,
  };
  for (const [text, message] of Object.entries(wrong))
    assert.throws(() => parseTemplate(text), { code: 'HOST_ERR_AUDIT_INVALID', message });
});
