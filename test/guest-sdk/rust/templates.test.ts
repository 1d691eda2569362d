import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Template } from '../../../guest-sdk/build/language.ts';
import { systemClock, systemRandom } from '../../../host/clock.ts';
import { createHost } from '../../../host/host.ts';
import { exchange } from '../../support/exchange.ts';
import { type Printed, runBytes } from '../../support/run.ts';
import { importsOf } from '../component-runner.ts';
import { buildProject, newProject, skip, worlds } from './rust-project.ts';

const host = createHost({ cacheFolder: undefined, clock: systemClock, random: systemRandom });
const agentBytesMax = 40 * 1024;
/** With an executor and what formats errors. */
const asyncBytesMax = 64 * 1024;

async function built(template: Template, release = true): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, warnings } = await buildProject(newProject(template), worlds[template], { release });
  assert.deepEqual(warnings, []);
  return new Uint8Array(bytes);
}

/** What an agent answers to a message. */
async function answer(program: Uint8Array<ArrayBuffer>, body: string): Promise<Printed & { text: string }> {
  const message = { subject: 'test', body: new TextEncoder().encode(body) };
  const printed = await runBytes(host, program, { call: { kind: 'main', message } });
  return { ...printed, text: new TextDecoder().decode(printed.result) };
}

for (const release of [true, false]) {
  const how = release ? 'a release' : 'names for traps';

  test(`the template handler is a small component that imports its log alone (${how})`, {
    skip,
  }, async () => {
    const program = await built('handler', release);
    assert.ok(program.length <= agentBytesMax, `${program.length} bytes`);
    assert.deepEqual(await importsOf(program), ['motehost:agent/log@0.1.0', 'motehost:agent/types@0.1.0']);
    const { text, stderr } = await answer(program, 'Ada\n');
    assert.deepEqual([text, stderr], ['Hello, Ada!', '[info] greeting Ada\n']);
    const { outcome } = await answer(program, ' ');
    assert.ok(outcome.kind === 'error');
    assert.deepEqual(outcome.failure, { tag: 'invalid', val: 'whom shall I greet?' });
  });
}

test('the template agent is told its beginning and its end', { skip }, async () => {
  const program = await built('agent');
  assert.ok(program.length <= agentBytesMax, `${program.length} bytes`);
  const { text, stderr } = await answer(program, 'Ada');
  assert.equal(text, 'Hello, Ada! You are number 1.');
  assert.equal(stderr, '[info] greeted 1 reason=StopReason::Requested\n');
});

test('the template async waits for several answers at once', { skip }, async () => {
  const program = await built('async');
  assert.ok(program.length <= asyncBytesMax, `${program.length} bytes`);
  const { text } = await answer(program, 'one two');
  assert.equal(text, 'one: BusError::Unavailable\ntwo: BusError::Unavailable');
  const { outcome } = await answer(program, ' ');
  assert.ok(outcome.kind === 'error');
  assert.deepEqual(outcome.failure, { tag: 'invalid', val: 'whom shall I ask?' });
});

test('the template cli is an ordinary program with streams, arguments and an exit code', {
  skip,
}, async () => {
  const program = await built('cli');
  const pieces = ['one\ntw', 'o\n'].map((piece) => new TextEncoder().encode(piece));
  const stdin = { isTerminal: false, read: async () => pieces.shift() };
  const { stdout, outcome } = await runBytes(host, program, { grants: { stdin } });
  assert.deepEqual([stdout, outcome.kind], ['ONE\nTWO\n', 'ok']);
  const failed = await runBytes(host, program, { grants: { args: ['program', '--fail'] } });
  assert.ok(failed.outcome.kind === 'error');
  assert.equal(failed.outcome.exitCode, 1);
});

test('the template http answers requests', { skip }, async () => {
  const program = await built('http');
  assert.ok(program.length <= agentBytesMax, `${program.length} bytes`);
  const artifact = await host.prepare(program);
  const greeted = await exchange(host, artifact, '/hello/Ada');
  assert.equal(greeted.text, 'Hello, Ada!\n');
  assert.deepEqual([greeted.status, greeted.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
  assert.equal((await exchange(host, artifact, '/')).text, 'Ask for /hello/Ada\n');
});
