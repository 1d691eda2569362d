import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

// Threads end while messages and requests are under way: nothing accepted is lost, and whoever asked is told.

const options = { timeout: 60_000 };
const names = ['a', 'b', 'c', 'd'];
const perRound = 40;
const losses = 2;
const askers = 4;

test(
  'threads are lost under load: what was accepted is dealt with, and every request has an answer',
  options,
  async (t) => {
    const component = await scribe();
    const toml = '[capabilities.bus]\nsend = ["agent.*"]\n[delivery]\nbackoff = "10ms"\nattempts = 20\n';
    const agents = names.map((name) => localAgent(name, component, toml));
    // Who is where must stay so for the test to know what is lost.
    const scheduler = { stealing: false };
    const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2, scheduler });
    const known = await host.serving.agents(undefined, 10);
    const on = (thread: number): string[] =>
      known.filter((one) => one.thread === thread).map(({ name }) => name);
    const [relay = '', spinner = ''] = on(1);
    const [ledger = '', other = ''] = on(2);
    const passedOn: string[] = [];
    const refused: string[] = [];
    const answers: string[] = [];
    let isOver = false;
    const ask = async (name: string): Promise<void> => {
      while (!isOver) {
        answers.push(await host.ask(name, 'hi'));
        // A refusal comes at once: others have a turn in between.
        await turn();
      }
    };
    const asking = Array.from({ length: askers }, (_, at) => ask(at % 2 === 0 ? relay : other));
    for (let round = 0; round < losses; round += 1) {
      const spinning = host.ask(spinner, 'spin');
      await host.lines.until(new RegExp(`${spinner}: seen spin`), round + 1);
      const sends = Array.from({ length: perRound }, async (_, at) => {
        const id = `${round}-${at}.`;
        await host.send(relay, at % 2 === 0 ? `to ${ledger} ${id}` : `bad ${id}`);
        (at % 2 === 0 ? passedOn : refused).push(id);
      });
      // The journal has promised some of them by then, and not others.
      await Promise.race(sends);
      await host.serving.endThread(1);
      assert.equal(await spinning, 'unavailable');
      await Promise.all(sends);
      await host.lines.until(/are there again/, round + 1);
    }
    isOver = true;
    await Promise.all(asking);
    assert.deepEqual([passedOn.length, refused.length], [(losses * perRound) / 2, (losses * perRound) / 2]);
    // What the lost thread was to pass on arrives at the one that stayed.
    for (const id of passedOn)
      await host.lines.until(new RegExp(`^${ledger}: seen ${id.replace('.', '\\.')}$`));
    // What it refused is a dead letter, once.
    let letters = await host.serving.deadLetters(1000);
    while (letters.length < refused.length) {
      await turn();
      letters = await host.serving.deadLetters(1000);
    }
    assert.deepEqual(
      letters.map(({ receiver, message }) => `${receiver} ${new TextDecoder().decode(message.body)}`).sort(),
      refused.map((id) => `${relay} bad ${id}`).sort(),
    );
    assert.deepEqual(
      answers.filter((answer) => !/^(\d+|unavailable)$/.test(answer)),
      [],
    );
    assert.ok(answers.some((answer) => answer === 'unavailable'));
    assert.ok(answers.some((answer) => answer !== 'unavailable'));
  },
);
