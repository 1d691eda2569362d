import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

const options = { timeout: 120_000 };
let component: Uint8Array<ArrayBuffer>;
before(async () => {
  component = await scribe();
});

const sending = '[capabilities.bus]\nsend = ["agent.*"]';
const patient = '[delivery]\nattempts = 2\nbackoff = "10ms"';

test(
  'a drained host leaves what waits to its next run, which delivers it, and agents go on where they were',
  options,
  async (t) => {
    const state = temporaryState(t);
    const agents = [localAgent('busy', component), localAgent('calm', component)];
    const first = await Hosted.start(t, state, agents);
    assert.deepEqual([await first.ask('calm', 'a'), await first.ask('calm', 'b')], ['1', '2']);
    const spinning = first.ask('busy', 'spin');
    await first.lines.until(/seen spin/);
    for (const words of ['one', 'two']) await first.send('busy', words);
    await first.close(50);
    assert.equal(await spinning, 'cancelled');
    assert.equal(first.lines.count('busy: seen one'), 0);

    const second = await Hosted.start(t, state, agents);
    await second.lines.until(/busy: seen two/);
    assert.equal(second.lines.count('busy: seen one'), 1);
    assert.equal(await second.ask('calm', 'c'), '3');
    await second.close(1000);

    const third = await Hosted.start(t, state, agents);
    assert.equal(await third.ask('busy', 'three'), '3');
    assert.deepEqual(
      third.lines.all.filter((line) => /seen (one|two)/.test(line)),
      [],
    );
  },
);

test('a host that ends takes nothing new', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [localAgent('busy', component)]);
  const spinning = host.ask('busy', 'spin');
  await host.lines.until(/seen spin/);
  const closing = host.close(50);
  await assert.rejects(host.send('busy', 'late'), { code: 'HOST_ERR_AGENT_STOPPED' });
  await assert.rejects(host.ask('busy', 'late'), { code: 'HOST_ERR_AGENT_STOPPED' });
  await Promise.all([closing, spinning]);
});

test(
  'dead letters outlive restarts, also on fewer threads, until they are retried or dropped',
  options,
  async (t) => {
    const state = temporaryState(t);
    const agents = ['a', 'b', 'c'].map((name) => localAgent(name, component, sending));
    const first = await Hosted.start(t, state, agents, { threads: 3 });
    // Refused by `c`, kept in the journal of the thread that sent it.
    for (const name of ['a', 'b']) assert.equal(await first.ask(name, `to c bad ${name}`), '1');
    await first.send('c', 'bad outside');
    await first.lines.until(/c: seen bad/, 3);
    await first.close(1000);
    assert.deepEqual(readdirSync(join(state, 'journal')).sort(), ['0', '1', '2', '3']);

    const second = await Hosted.start(t, state, agents, { threads: 1 });
    const letters = await second.serving.deadLetters(10);
    const wordsOf = (body: Uint8Array): string => new TextDecoder().decode(body);
    assert.deepEqual(letters.map(({ message, reason }) => [wordsOf(message.body), reason]).sort(), [
      ['bad a', 'invalid'],
      ['bad b', 'invalid'],
      ['bad outside', 'invalid'],
    ]);
    assert.deepEqual(readdirSync(join(state, 'journal')).sort(), ['0', '1']);
    const idOf = (words: string): string =>
      letters.find(({ message }) => wordsOf(message.body) === words)?.message.id ?? '';
    assert.equal(await second.serving.dropDeadLetter(idOf('bad a')), true);
    assert.equal(await second.serving.retryDeadLetter(idOf('bad b')), true);
    assert.equal(await second.serving.retryDeadLetter('nobody'), false);
    await second.lines.until(/c: seen bad b/);
    await second.close(1000);

    const third = await Hosted.start(t, state, agents, { threads: 2 });
    const left = (await third.serving.deadLetters(10)).map(({ message }) => wordsOf(message.body)).sort();
    assert.deepEqual(left, ['bad b', 'bad outside']);
  },
);

test('what an agent was sent and nobody installs any more is a dead letter', options, async (t) => {
  const state = temporaryState(t);
  const [busy, other] = [localAgent('busy', component), localAgent('other', component)];
  const first = await Hosted.start(t, state, [busy, other]);
  const spinning = first.ask('busy', 'spin');
  await first.lines.until(/seen spin/);
  await first.send('busy', 'waits');
  await first.close(10);
  await spinning;
  const second = await Hosted.start(t, state, [other]);
  const [letter] = await second.serving.deadLetters(10);
  assert.deepEqual([letter?.receiver, letter?.reason], ['busy', 'removed']);
});

test('an id that was dealt with exactly once is not delivered again after a restart', options, async (t) => {
  const state = temporaryState(t);
  const agents = [localAgent('a', component)];
  const first = await Hosted.start(t, state, agents);
  await first.send('a', 'once', 'id-1', true);
  await first.lines.until(/seen once/);
  await first.close(1000);
  const second = await Hosted.start(t, state, agents);
  await second.send('a', 'once', 'id-1', true);
  await second.send('a', 'next', 'id-2', true);
  await second.lines.until(/seen next/);
  assert.equal(second.lines.count('a: seen once'), 0);
});

test(
  'a damaged journal is refused with its cure, and --repair-journal goes on with what is readable',
  options,
  async (t) => {
    const state = temporaryState(t);
    const agents = [localAgent('busy', component)];
    const first = await Hosted.start(t, state, agents);
    const spinning = first.ask('busy', 'spin');
    await first.lines.until(/seen spin/);
    for (const words of ['one', 'two', 'three']) await first.send('busy', words);
    await first.close(10);
    await spinning;
    // Each message waited for the disk: the second block has the second one.
    damageBlock(join(state, 'journal/0'), 2);
    await assert.rejects(Hosted.start(t, state, agents), {
      code: 'HOST_ERR_JOURNAL_CORRUPT',
      message: /--repair-journal/,
    });
    const second = await Hosted.start(t, state, agents, { repairJournal: true });
    await second.lines.until(/seen three/);
    assert.deepEqual([second.lines.count('busy: seen one'), second.lines.count('busy: seen two')], [1, 0]);
    assert.ok(second.lines.all.some((line) => /not readable/.test(line)));
  },
);

test(
  'a damaged snapshot is refused and told, and its agent begins anew; others go on',
  options,
  async (t) => {
    const state = temporaryState(t);
    const agents = [localAgent('hurt', component), localAgent('whole', component)];
    const first = await Hosted.start(t, state, agents);
    for (const name of ['hurt', 'whole']) await first.ask(name, `I am ${name}`);
    await first.close(1000);
    damage(join(state, 'cold/1'), 'hurt', 20);
    const second = await Hosted.start(t, state, agents);
    assert.equal(await second.ask('whole', 'again'), '2');
    assert.equal(await second.ask('hurt', 'again'), '1');
    await second.lines.until(/^hurt: the saved state of an agent is damaged/);
  },
);

/** Two agents on two threads, and the number of the first one's. */
async function twoThreads(t: TestContext, more = ''): Promise<{ host: Hosted; thread: number }> {
  const agents = [localAgent('lost', component, more), localAgent('other', component, sending)];
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2 });
  const [lost, other] = [await host.serving.agent('lost'), await host.serving.agent('other')];
  assert.notEqual(lost.thread, other.thread);
  return { host, thread: lost.thread };
}

test(
  'when a thread is lost, who waits for its agents is told at once, others answer, and its agents begin anew',
  options,
  async (t) => {
    const { host, thread } = await twoThreads(t);
    assert.deepEqual([await host.ask('lost', 'a'), await host.ask('other', 'a')], ['1', '1']);
    const spinning = host.ask('lost', 'spin');
    await host.lines.until(/lost: seen spin/);
    const ended = host.serving.endThread(thread);
    const during = Promise.all(Array.from({ length: 50 }, () => host.ask('other', 'b')));
    assert.equal(await spinning, 'unavailable');
    await ended;
    assert.equal((await during).at(-1), '51');
    await host.lines.until(/are there again/);
    assert.equal(await host.ask('lost', 'b'), '1');
  },
);

test(
  'what a lost thread had promised or was to deal with is delivered by the one in its place',
  options,
  async (t) => {
    const { host, thread } = await twoThreads(t, `${sending}\n${patient}`);
    const spinning = host.ask('lost', 'spin');
    await host.lines.until(/lost: seen spin/);
    // From outside and from another thread's agent; both wait behind what spins.
    for (const words of ['one', 'two']) await host.send('lost', words);
    assert.equal(await host.ask('other', 'to lost three'), '1');
    await host.serving.endThread(thread);
    // And while nobody is there.
    await host.send('lost', 'four');
    // In order from each of those who sent, in any order otherwise.
    const all = ['one', 'two', 'three', 'four'];
    for (const words of all) await host.lines.until(new RegExp(`lost: seen ${words}`));
    for (const words of all) assert.equal(host.lines.count(`lost: seen ${words}`), 1, words);
    assert.equal(await spinning, 'unavailable');
    // Answers and messages go both ways again.
    assert.equal(await host.ask('lost', 'to other five'), '5');
    await host.lines.until(/other: seen five/);
  },
);

test('a message that takes its thread along every time becomes a dead letter', options, async (t) => {
  const { host, thread } = await twoThreads(t, patient);
  await host.send('lost', 'spin');
  for (const round of [1, 2]) {
    await host.lines.until(/lost: seen spin/, round);
    await host.serving.endThread(thread);
    await host.lines.until(/are there again/, round);
  }
  assert.equal(await host.ask('lost', 'a'), '1');
  const letters = await host.serving.deadLetters(10);
  assert.deepEqual(
    letters.map(({ receiver, reason }) => [receiver, reason]),
    [['lost', 'attempts']],
  );
});

test(
  'on a full disk senders are refused and told why, nothing accepted is lost, and it goes on when there is room',
  options,
  async (t) => {
    const state = temporaryState(t, (folder) => {
      if (isMounted) execFileSync('umount', ['-l', folder]);
    });
    const isMounted = mount(state, 'size=1m,mode=700');
    if (!isMounted) {
      t.skip('a small file system cannot be mounted here');
      return;
    }
    const agents = [localAgent('busy', component), localAgent('via', component, `${sending}\n${patient}`)];
    const host = await Hosted.start(t, state, agents);
    const spinning = host.ask('busy', 'spin');
    await host.lines.until(/seen spin/);
    const big = 'x'.repeat(60_000);
    let accepted = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await host.send('busy', `${accepted + 1} ${big}`);
        accepted += 1;
      }
    };
    await assert.rejects(fill(), { code: 'HOST_ERR_STATE_UNWRITABLE', message: /make room/ });
    assert.ok(accepted > 3);
    assert.match(await host.ask('via', `to busy ${big}`), /^(error|unavailable)$/);
    // Requests need no disk.
    assert.match(await host.ask('via', 'a'), /^\d+$/);
    await host.lines.until(/host: messages that must not be lost are refused/);
    while (host.serving.readiness().ready) await turn();
    const readiness = host.serving.readiness();
    assert.match(readiness.ready ? '' : readiness.waitingFor.join('\n'), /^journal of .* refuses messages/);
    assert.ok(mount(state, 'remount,size=64m'));
    const sent = (): Promise<boolean> =>
      host.send('busy', 'last').then(
        () => true,
        () => false,
      );
    while (!(await sent())) await turn();
    while (!/^\d+$/.test(await host.ask('via', 'to busy more'))) await turn();
    await host.lines.until(/host: messages go to disk again/);
    while (!host.serving.readiness().ready) await turn();
    await host.close(10);
    await spinning;
    const again = await Hosted.start(t, state, agents);
    await again.lines.until(/busy: seen last/);
    for (let number = 1; number <= accepted; number += 1)
      assert.equal(
        again.lines.all.filter((line) => line.startsWith(`busy: seen ${number} x`)).length,
        1,
        `message ${number}`,
      );
    await again.close(1000);
  },
);

function mount(folder: string, how: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', how, 'none', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Changes a byte of a sealed block of the only journal file in a folder. */
function damageBlock(folder: string, number: number): void {
  const [name = ''] = readdirSync(folder);
  const path = join(folder, name);
  const bytes = readFileSync(path);
  let at = 0;
  for (let block = 0; block < number; block++) at = bytes.indexOf('MHB1', at + 1);
  bytes[at + 60] = (bytes[at + 60] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Changes a byte `offset` behind the beginning of a text in the files of a folder. */
function damage(folder: string, words: string, offset = 0): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    const at = bytes.lastIndexOf(words);
    if (at < 0) continue;
    bytes[at + offset] = (bytes[at + offset] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    return;
  }
  throw new Error(`no '${words}' in ${folder}`);
}
