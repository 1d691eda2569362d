import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { buildScript } from '../support/script-agent.ts';
import { writtenAgent } from '../support/written-agent.ts';

// Agents that say how they are by the function `health`, on both lanes.

const options = { timeout: 60_000 };

const source = `
import { Failure, Message, Probe, Reply, Result, Unit, done, log, reply, utf8 } from "motehost:agent";

let illnesses: u32 = 0;
let unready: u32 = 0;
let count = 0;

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words.startsWith("ill ")) illnesses = U32.parseInt(words.slice(4));
  if (words.startsWith("unready ")) unready = U32.parseInt(words.slice(8));
  if (message.subject == "host.health") log.info("asked by a message");
  count++;
  return reply(count.toString());
}

export function health(probe: Probe): Result<Unit, Failure> {
  if (probe == Probe.liveness && illnesses > 0) {
    illnesses--;
    return Result.err<Unit, Failure>(Failure.other("ill"));
  }
  if (probe == Probe.readiness && unready > 0) {
    unready--;
    return Result.err<Unit, Failure>(Failure.unavailable("busy"));
  }
  return done<Failure>();
}
`;

const liveness = '[supervision.liveness]\ninterval = "20ms"\ntimeout = "10s"\nfailures = 2\n';
const readiness = '[supervision.readiness]\ninterval = "20ms"\ntimeout = "10s"\nfailures = 2\n';

test(
  'who says by its function that it does not live is restarted, and who is not ready has its mail wait',
  options,
  async (t) => {
    const { bytes } = await writtenAgent(source, { world: 'watched-handler' });
    const component = new Uint8Array(bytes);
    const host = await Hosted.start(t, temporaryState(t), [
      localAgent('a', component, liveness, 'watched-handler'),
      localAgent('b', component, readiness, 'watched-handler'),
    ]);
    assert.equal(await host.ask('a', 'ill 2'), '1');
    await host.lines.until(/^a: restarted: it does not answer as it should: .*ill/);
    let answer = await host.ask('a', '');
    while (answer !== '1') answer = await host.ask('a', '');
    assert.equal(await host.ask('b', 'unready 3'), '1');
    await host.lines.until(/^b: its mail waits, it is not ready: .*busy/);
    assert.equal(await host.ask('b', ''), '2', 'its mail has waited, and it is the same instance');
    await host.lines.until(/^b: ready: its mail comes again/);
    assert.equal(host.lines.count('a: asked by a message'), 0);
  },
);

test('an agent in JavaScript, on the other lane, is asked by its function too', options, async (t) => {
  const { bytes } = await buildScript(
    `
import { fail, reply } from 'motehost:agent';
let asked = '';
export function handle() { return reply(asked); }
export function health(probe) { asked ||= probe; }
`,
    'watched-handler',
  );
  const host = await Hosted.start(t, temporaryState(t), [
    localAgent('a', bytes, liveness, 'watched-handler'),
  ]);
  let answer = await host.ask('a', '');
  while (answer === '') answer = await host.ask('a', '');
  assert.equal(answer, 'liveness');
});
