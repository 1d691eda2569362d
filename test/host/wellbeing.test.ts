import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parseSupervisors } from '../../host/manifest.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { mortalAgent } from '../support/mortal-agent.ts';

// Circuits and health checks of real agents.

const options = { timeout: 60_000 };
let component = new Uint8Array(0);
before(async () => {
  component = await mortalAgent();
});

const agent = (toml: string, name = 'a') => localAgent(name, component, toml, 'agent');

test(
  'callers of an agent that keeps failing are turned away at once, until it answers again',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), [
      agent('[supervision.circuit]\nfailures = 2\nopen = "2s"\n'),
      agent('', 'b'),
    ]);
    const events: string[] = [];
    host.serving.subscribe('host.agent.a.>', undefined, ({ subject }) => events.push(subject));
    assert.deepEqual([await host.ask('a', 'fail'), await host.ask('a', 'trap')], ['error', 'trap']);
    await host.lines.until(/^a: callers are turned away/);
    const refused = await host.serving.invoke('a', payload(''), { principal });
    assert.ok(refused.kind === 'refused' && refused.circuit !== undefined);
    assert.ok((refused.retryAfterMs ?? 0) > 0 && (refused.retryAfterMs ?? 0) <= 2_000);
    const { agent: name, state, failuresMax, cause } = refused.circuit;
    assert.deepEqual([name, state, failuresMax], ['a', 'open', 2]);
    assert.match(cause, /^trap unreachable/);
    assert.match(
      refused.why ?? '',
      /^the circuit of a is open since 20.*Z, after 2 failures in a row, the last: trap/,
    );
    assert.equal((await host.serving.agent('a')).circuit, 'open');
    assert.equal(await host.ask('b', ''), '1', 'nobody else is concerned');
    // Its time is over at some point, and the first who asks then is let through.
    let answer = 'circuit-open';
    while (answer === 'circuit-open') answer = await host.ask('a', '');
    assert.equal(answer, '1');
    await host.lines.until(/^a: callers are let through: /);
    assert.equal((await host.serving.agent('a')).circuit, 'closed');
    assert.deepEqual(
      events.filter((subject) => subject.includes('circuit')),
      ['host.agent.a.circuit-open', 'host.agent.a.circuit-half-open', 'host.agent.a.circuit-closed'],
    );
    const metrics = await host.serving.metrics();
    const open = metrics.find(({ name }) => name === 'motehost_circuits_open');
    assert.equal(open?.samples[0]?.value, 0);
  },
);

test('what is sent while the circuit is open is delivered all the same', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    agent('[supervision.circuit]\nfailures = 1\nopen = "1h"\n'),
  ]);
  assert.equal(await host.ask('a', 'fail'), 'error');
  assert.equal(await host.ask('a', ''), 'circuit-open');
  await host.send('a', 'trap');
  await host.lines.until(/^a: ended: trap/);
});

const liveness = '[supervision.liveness]\ninterval = "20ms"\ntimeout = "10s"\nfailures = 2\n';

test('an agent that says it is ill is restarted, by itself', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [agent(liveness)]);
  assert.equal(await host.ask('a', 'ill 1000'), '1');
  await host.lines.until(/^a: restarted: it does not answer as it should: .*ill/);
  await host.lines.until(/^a: begun/, 2);
  assert.equal(await host.ask('a', ''), '1');
});

test(
  'an agent that is busy for too long is restarted by its supervisor, with its siblings',
  options,
  async (t) => {
    const quick =
      '[supervision]\nshutdown = "50ms"\n[supervision.liveness]\ninterval = "20ms"\ntimeout = "100ms"\nfailures = 2\n';
    const host = await Hosted.start(t, temporaryState(t), [agent(quick), agent('', 'b')], {
      threads: 2,
      supervisors: parseSupervisors(
        '[[supervisors]]\nname = "top"\nstrategy = "one-for-all"\nchildren = ["a", "b"]\n',
        'supervisors.toml',
      ),
    });
    const spinning = host.ask('a', 'spin');
    await host.lines.until(
      /^host: supervisor top: a did not end in time|^a: supervisor top: a did not end in time/,
    );
    await host.lines.until(/supervisor top: b was restarted/);
    assert.equal(await spinning, 'cancelled');
    assert.equal(await host.ask('a', ''), '1');
  },
);

test('the mail of an agent that is not ready waits until it is', options, async (t) => {
  const toml = '[supervision.readiness]\ninterval = "20ms"\ntimeout = "10s"\nfailures = 1\n';
  const host = await Hosted.start(t, temporaryState(t), [agent(toml)]);
  assert.equal(await host.ask('a', 'ill 50'), '1');
  await host.lines.until(/^a: its mail waits/);
  const waiting = host.ask('a', '');
  assert.equal((await host.serving.agent('a')).isReady, false);
  await host.lines.until(/^a: ready/);
  assert.equal(await waiting, '2');
});
