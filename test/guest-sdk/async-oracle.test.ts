import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { WitError } from '../../host/engine/linker.ts';
import { writtenAgent } from '../support/written-agent.ts';
import { AsyncAgent, SlowBus, textOf } from './async-agents.ts';
import { type Imports, messageOf } from './component-runner.ts';

const source = `
import { Future, Message, Payload, Reply, Result, all, asyncBus, reply, utf8 } from "motehost:agent";
type Answer = Result<Payload, asyncBus.BusError>;
function textOf(answer: Answer): string {
  return answer.isOk ? utf8.decode(answer.value.body) : answer.error.toString();
}
/** Asks for all words at once. */
export function handle(message: Message): Future<Reply> {
  const words = utf8.decode(message.body).split(" ");
  const asked: Future<string>[] = [];
  for (let i = 0; i < words.length; i++) {
    asked.push(asyncBus.request(words[i], words[i]).map<i32, string>(0, (answer, none) => textOf(answer)));
  }
  return all(asked).map<i32, Reply>(0, (texts, none) => reply(texts.join(" ")));
}
`;

/** `handle` of a component that jco's transpiler runs: an asynchronous ABI that is not ours. */
async function byJco(component: Uint8Array, offered: Imports): Promise<(body: string) => Promise<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-oracle-'));
  try {
    const { files } = await transpileBytes(component, {
      name: 'agent',
      instantiation: 'async',
      asyncMode: 'jspi',
    });
    const modules = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
      if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(new Uint8Array(bytes)));
    }
    const agent = await import(pathToFileURL(join(folder, 'agent.js')).href);
    const bus = offered['motehost:agent/async-bus'] as Imports[string];
    const imports = { ...offered, 'motehost:agent/async-bus': { ...bus, request: bare(bus.request) } };
    const root = await agent.instantiate((name: string) => modules.get(name), imports);
    return async (body) => textOf(await root.handle(messageOf('x', body)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** jco takes an `err` thrown as it is. */
function bare(call: Imports[string][string] | undefined): Imports[string][string] {
  return (...args) => {
    try {
      return call?.(...args);
    } catch (thrown) {
      throw thrown instanceof WitError ? thrown.payload : thrown;
    }
  };
}

test('what an asynchronous agent answers does not depend on whose asynchronous ABI runs it', async () => {
  const { bytes } = await writtenAgent(source, { world: 'async-handler', release: true });
  const buses = [new SlowBus(), new SlowBus()] as const;
  const log = { enabled: () => false, write: () => undefined };
  const [own, other] = buses.map(({ imports }) => ({
    'motehost:agent/async-bus': imports,
    'motehost:agent/log': log,
  }));
  const fast = await AsyncAgent.of(bytes, own as Imports);
  const oracle = await byJco(bytes, other as Imports);
  // Without calls that begin in a callback, or answers at once beside later ones: those the oracle never finishes;
  // in which order answers are told that have all come is the host's choice.
  for (const [body, order] of [
    ['echo', []],
    ['a', ['a']],
    ['a b c', ['b', 'c', 'a']],
    ['d e f g h', ['h', 'd', 'g', 'e', 'f']],
  ] as const) {
    const calls = [fast.handle('x', body), oracle(body)];

    for (const name of order) {
      for (const bus of buses) {
        await bus.asks(name);
        bus.answer(name);
      }
    }
    const [ours, theirs] = await Promise.all(calls);
    assert.equal(ours, theirs, body);
    assert.deepEqual(buses[0].asked, buses[1].asked, body);
  }
});
