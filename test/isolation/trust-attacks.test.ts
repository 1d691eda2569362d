import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { segmentNumbers, segmentPath } from '../../host/audit/segment.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';
import type { ServeOptions } from '../../host/host/serve.ts';
import { listen } from '../../host/http/listen.ts';
import { createToken, revokeToken } from '../../host/http/tokens.ts';
import { encodeSignature, signComponent } from '../../host/identity/component-signature.ts';
import { HostSecret } from '../../host/identity/host-secret.ts';
import { verifyMessageFile } from '../../host/identity/message-file.ts';
import { parseKey } from '../../host/identity/public-key.ts';
import type { SigningKey } from '../../host/identity/signing-key.ts';
import { told } from '../support/chains.ts';
import { ask } from '../support/front.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { life, PolicyFolder } from '../support/policed.ts';
import { writtenAgent } from '../support/written-agent.ts';

// One attack, one route, through a real host: what is allowed beside it, how it is refused, and what the chain says.

/**
 * `to NAME WORDS` sends and says what came of it; `as WHO NAME WORDS` sends under a header `sender`; `ask NAME WORDS`
 * asks; `steal INBOX` answers in another's place; `leak NAME` gives its inbox away, then answers itself. Anything else
 * is answered with who sent it.
 */
const source = `
import { Header, Message, Payload, Reply, bus, reply, utf8 } from "motehost:agent";

function done(isOk: bool, why: string): Reply { return reply(isOk ? "sent" : why); }

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  const rest = words.slice(2).join(" ");
  if (words[0] == "to") {
    const sent = bus.send(words[1], rest);
    return done(sent.isOk, sent.isErr ? sent.error.toString() : "");
  }
  if (words[0] == "as") {
    const body = utf8.encode(words.slice(3).join(" "));
    const sent = bus.send(words[2], new Payload("text/plain", [new Header("sender", words[1])], body));
    return done(sent.isOk, sent.isErr ? sent.error.toString() : "");
  }
  if (words[0] == "ask") {
    const got = bus.request("agent." + words[1], rest, 20000);
    return reply(got.isOk ? utf8.decode(got.value.body) : got.error.toString());
  }
  const inbox = message.replyTo;
  if (words[0] == "steal") {
    const sent = bus.publish(words[1], "stolen");
    return done(sent.isOk, sent.isErr ? sent.error.toString() : "");
  }
  if (words[0] == "leak" && inbox !== null) {
    const got = bus.request("agent." + words[1], "steal " + inbox!, 20000);
    return reply("real, and the thief was " + (got.isOk ? utf8.decode(got.value.body) : "stopped"));
  }
  const sender = message.sender;
  return reply(sender === null ? "nobody" : sender!);
}
`;

let component: Uint8Array<ArrayBuffer>;
before(async () => {
  component = new Uint8Array((await writtenAgent(source)).bytes);
});

const may = '[capabilities.bus]\nsend = ["agent.*"]\npublish = ["orders.>"]\n';
const trust = { auditLevel: 'messages' } as const;

function hosted(
  t: TestContext,
  state: string,
  agents: readonly string[] = ['clerk', 'mallory', 'vault'],
  options: Partial<ServeOptions> = {},
  more = '',
): Promise<Hosted> {
  const all = agents.map((name) => localAgent(name, component, more + may));
  return Hosted.start(t, state, all, { trust, ...options });
}

test('attack, forged sender: an agent and a caller are who they are, whatever they say they are', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state);
  assert.equal(await host.ask('clerk', 'ask vault who'), 'clerk');
  assert.equal(await host.ask('mallory', 'ask vault who'), 'mallory');
  assert.equal(await host.ask('mallory', 'as clerk vault pay'), 'sent');
  const forged = {
    contentType: 'text/plain',
    headers: [{ name: 'sender', value: 'clerk' }],
    body: payload('pay').body,
  };
  const reply = await host.serving.invoke('vault', forged, { principal });
  assert.ok(reply.kind === 'answered' && reply.outcome.kind === 'ok');
  assert.equal(Buffer.from(reply.outcome.value ?? []).toString(), 'nobody');
  await host.close(1000);
  const sent = (await told(state, 'message-sent')).filter(({ receiver }) => receiver === 'vault');
  assert.deepEqual(
    sent.map(({ agent, principal: by }) => [agent, by]),
    [
      ['clerk', 'clerk'],
      ['mallory', 'mallory'],
      ['mallory', 'mallory'],
      [null, 'test'],
    ],
  );
});

test('attack, forged sender and swapped recipient of a signed message: its proof is of that message alone', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state, undefined, {}, '[messages]\nsign = "each"\n');
  const proofs: Record<string, string> = {};
  for (const name of ['clerk', 'mallory']) {
    await host.ask(name, 'to vault pay');
    const [event] = (await host.serving.record?.events({ agents: [name], kinds: ['message-sent'] }, 9)) ?? [];
    proofs[name] =
      (await host.serving.messageProof(String(Reflect.get(event ?? {}, 'message')))) ?? assert.fail();
  }
  const key = parseKey(readFileSync(join(state, 'keys/host.pub'), 'utf8').trim()) ?? assert.fail();
  const [good, bad] = [proofs.clerk ?? '', JSON.parse(proofs.mallory ?? '') as Record<string, string>];
  const verified = verifyMessageFile(good, key);
  assert.ok(verified.kind === 'verified' && verified.header.sender.endsWith('/clerk'));
  const whyOf = (changed: Record<string, string>): string => {
    const found = verifyMessageFile(JSON.stringify(changed), key);
    return found.kind === 'refused' ? found.why : found.kind;
  };
  const swapped = (from: string, to: string): string =>
    Buffer.from(bad.header ?? '', 'base64url')
      .toString('latin1')
      .replace(from, to);
  const header = (text: string): Record<string, string> => ({
    ...bad,
    header: Buffer.from(text, 'latin1').toString('base64url'),
  });
  // Of the same length, so that the header is well-formed.
  assert.equal(whyOf(header(swapped('/mallory', '/thefool'))), 'unauthentic');
  assert.equal(whyOf(header(swapped('/vault', '/clerk'))), 'unauthentic');
  const introduction = (JSON.parse(good) as Record<string, string>).introduction ?? '';
  assert.equal(whyOf({ ...bad, introduction }), 'key-substituted');
});

test('attack, replayed message: under one id a message is handled once, over a restart too; another principal has its own', async (t) => {
  const state = temporaryState(t);
  const sent = async (host: Hosted, name: string): Promise<number> => {
    const options = { principal: { name }, guarantee: 'exactly-once', messageId: 'invoice-1' } as const;
    return (await host.serving.send('vault', payload('pay'), options)).receivers;
  };
  const first = await hosted(t, state);
  assert.deepEqual(
    [await sent(first, 'anna'), await sent(first, 'anna'), await sent(first, 'bert')],
    [1, 0, 1],
  );
  while ((await told(state, 'invocation-ended')).length < 2) await first.serving.record?.events({}, 1);
  await first.close(1000);
  const second = await hosted(t, state);
  // Who sent it is not asked of the sender, who may have forgotten: the receiver knows.
  assert.equal(await sent(second, 'anna'), 1);
  assert.equal(await second.ask('vault', 'who'), 'nobody');
  await second.close(1000);
  const handled = (await told(state, 'message-delivered')).filter(({ message }) => message === 'invoice-1');
  assert.deepEqual(
    handled.map(({ agent, attempt }) => [agent, attempt]),
    [
      ['vault', 1],
      ['vault', 1],
    ],
  );
});

test('attack, swapped recipient: what one thread’s journal has is put into another’s, and no host goes on with that', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state, undefined, { threads: 2 });
  for (const name of ['clerk', 'mallory']) await host.ask(name, 'to vault pay');
  await host.send('vault', 'pay');
  await host.close(1000);
  const copy = temporaryState(t);
  cpSync(state, copy, { recursive: true });
  await (await hosted(t, copy, undefined, { threads: 2 })).close(1000);
  const [own, other] = ['0', '1'].map((thread) => join(state, 'journal', thread));
  assert.ok(own !== undefined && other !== undefined);
  renameSync(own, `${own}.kept`);
  renameSync(other, own);
  renameSync(`${own}.kept`, other);
  await assert.rejects(hosted(t, state, undefined, { threads: 2 }), { code: 'HOST_ERR_JOURNAL_CORRUPT' });
});

test('attack, stale policy: once a change is in force nothing is decided by the one before, not even where the new one is broken', async (t) => {
  const state = temporaryState(t);
  const open = `${life}@id("open") permit (principal, action == Motehost::Action::"bus.send", resource);\n`;
  const shut =
    '@id("shut") forbid (principal, action == Motehost::Action::"bus.send", resource == Motehost::Agent::"vault");\n';
  const folder = new PolicyFolder(t, open);
  const host = await hosted(t, state, undefined, {
    threads: 2,
    trust: { auditLevel: 'security', policyFolder: folder.path },
  });
  assert.equal(await host.ask('mallory', 'to vault pay'), 'sent');
  folder.write(open + shut);
  await host.lines.until(/policies of version \d+ are in force/);
  assert.equal(await host.ask('mallory', 'to vault pay'), 'denied');
  assert.equal(await host.ask('mallory', 'to clerk pay'), 'sent');
  folder.write('permit (principal, action, resource) when {');
  await host.lines.until(/a\.cedar/);
  assert.equal(await host.ask('clerk', 'to vault pay'), 'denied');
  await host.close(1000);
  const denials = (await told(state, 'decision')).filter(({ decision }) => decision === 'deny');
  assert.deepEqual(
    denials.map(({ agent, resource, policies }) => [agent, resource, String(policies)]),
    [
      ['mallory', 'agent:vault', 'a.cedar#shut'],
      ['clerk', 'agent:vault', 'a.cedar#shut'],
    ],
  );
  assert.equal((await told(state, 'policy-changed')).length, 2, 'the broken ones never were in force');
});

test('attack, stolen grant: the inbox of a request answers for whom it was given to and nobody else', async (t) => {
  const host = await hosted(t, temporaryState(t));
  assert.equal(await host.ask('clerk', 'ask vault who'), 'clerk');
  assert.equal(await host.ask('clerk', 'ask vault leak mallory'), 'real, and the thief was denied');
});

test('attack, stolen grant: a token is good for what it was given for, until it is revoked', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state);
  const front = await listen(host.serving, { port: 0, stateFolder: state, auth: true });
  t.after(() => front.close(0));
  const request = { name: 'till', may: ['invoke:clerk'] };
  const { token } = createToken(state, request, { clock: systemClock, random: systemRandom });
  const headers = { authorization: `Bearer ${token}` };
  const statusOf = async (path: string): Promise<number> =>
    (await ask(front, path, { body: 'who', headers })).status;
  assert.equal(await statusOf('/v1/agents/clerk/invoke'), 200);
  assert.equal(await statusOf('/v1/agents/vault/invoke'), 403);
  assert.equal(await statusOf('/v1/keys/host/rotate'), 403);
  revokeToken(state, 'till');
  while ((await statusOf('/v1/agents/clerk/invoke')) !== 401);
  await front.close(0);
  await host.close(1000);
  const changes = await told(state, 'token-created', 'token-revoked');
  assert.deepEqual(
    changes.map(({ name, token: whose }) => [name, whose]),
    [
      ['token-created', 'till'],
      ['token-revoked', 'till'],
    ],
  );
});

test('attack, truncated chain: a host whose record was cut off does not go on as if nothing had been, and an operator’s word is on record', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state);
  await host.ask('clerk', 'to vault pay');
  await host.close(1000);
  const folder = join(state, 'audit');
  const last = segmentPath(folder, segmentNumbers(folder).at(-1) ?? 0);
  truncateSync(last, Math.floor(readFileSync(last).length / 2));
  await assert.rejects(hosted(t, state), { code: 'HOST_ERR_AUDIT_CORRUPT' });
  const accepted = await hosted(t, state, undefined, { trust: { ...trust, acceptAuditLoss: true } });
  assert.equal(await accepted.ask('clerk', 'ask vault who'), 'clerk');
  await accepted.close(1000);
  const [loss] = await told(state, 'loss-accepted');
  assert.ok(Number(loss?.lastSequence) < Number(loss?.headSequence));
  await (await hosted(t, state)).close(1000);
});

test('attack, future timestamp and key substitution of a component: who signed it then, and nobody else, brings its next version', async (t) => {
  const state = temporaryState(t);
  const host = await hosted(t, state, []);
  const nowMs = (): number => Number(systemClock.wallNs() / 1_000_000n);
  const keyOf = (fill: number): SigningKey =>
    new HostSecret(new Uint8Array(32).fill(fill)).signingKey('host', 1);
  const [acme, mallory] = [keyOf(1), keyOf(2)];
  const install = (by: SigningKey, atMs = nowMs(), more = ''): Promise<{ readonly kind: string }> =>
    host.serving.install({
      manifest: `name = "till"\nworld = "handler"\n${more}`,
      component,
      signature: Buffer.from(encodeSignature(signComponent(component, by, atMs))),
    });
  const future = { code: 'HOST_ERR_IDENTITY_UNTRUSTED', message: /signed in the future/ };
  await assert.rejects(install(acme, nowMs() + 120_000), future);
  assert.equal((await install(acme)).kind, 'installed');
  const next = '[mailbox]\ncapacity = 7\n';
  assert.equal((await install(mallory, nowMs(), next)).kind, 'wants-more', 'a person has to see that');
  await host.serving.keys?.revokeForeign(mallory.text, 'compromised', 'local');
  await assert.rejects(install(mallory, nowMs(), next), { code: 'HOST_ERR_IDENTITY_UNTRUSTED' });
  assert.equal((await install(acme, nowMs(), next)).kind, 'upgraded');
  await host.close(1000);
  const refusals = await told(state, 'install-refused');
  assert.deepEqual(
    refusals.map(({ agent, reason }) => [agent, /future|revoked/.exec(String(reason))?.[0]]),
    [
      ['till', 'future'],
      ['till', 'revoked'],
    ],
  );
});

test('attack, key substitution: another host’s key or keyring in the place of its own starts no host', async (t) => {
  const [state, other] = [temporaryState(t), temporaryState(t)];
  for (const folder of [state, other]) {
    const host = await hosted(t, folder, []);
    await host.serving.keys?.rotate('agent/clerk', 'local');
    await host.close(1000);
  }
  const corrupt = { code: 'HOST_ERR_IDENTITY_CORRUPT' };
  for (const name of ['host.key', 'keyring.json', 'host.pub']) {
    const path = join(state, 'keys', name);
    const own = readFileSync(path);
    copyFileSync(join(other, 'keys', name), path);
    await assert.rejects(hosted(t, state, []), corrupt, name);
    writeFileSync(path, own);
  }
  // All of them at once: a host that is another has another's chain.
  const kept = join(state, 'kept');
  renameSync(join(state, 'keys'), kept);
  cpSync(join(other, 'keys'), join(state, 'keys'), { recursive: true });
  await assert.rejects(hosted(t, state, []), { code: 'HOST_ERR_AUDIT_CORRUPT' });
  rmSync(join(state, 'keys'), { recursive: true });
  renameSync(kept, join(state, 'keys'));
  await (await hosted(t, state, [])).close(1000);
});

test('attack, rolled-back keyring: a key that was revoked does not come back with an older file', async (t) => {
  const state = temporaryState(t);
  const path = join(state, 'keys/keyring.json');
  const host = await hosted(t, state, []);
  await host.serving.keys?.rotate('clerk', 'local');
  const old = readFileSync(path);
  await host.serving.keys?.revoke('clerk', { reason: 'compromised' }, 'local');
  const { key } = host.serving.keys?.show('clerk') ?? assert.fail();
  await host.close(1000);
  const newest = readFileSync(path);
  writeFileSync(path, old);
  await assert.rejects(hosted(t, state, []), {
    code: 'HOST_ERR_IDENTITY_CORRUPT',
    message: /version 1, and the audit chain knows version 3/,
  });
  writeFileSync(path, newest);
  const again = await hosted(t, state, []);
  assert.equal(again.serving.keys?.show('clerk').key, key);
  await again.close(1000);
  const marks = (await told(state, 'keyring-marked')).map(({ version }) => Number(version));
  assert.deepEqual([Math.max(...marks), marks.at(-1)], [3, 3]);
});
