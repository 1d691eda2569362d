import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { WitError } from '../../../host/engine/linker.ts';
import { fc } from '../../support/properties.ts';
import {
  type Imports,
  importsOf,
  instantiateByJco,
  instantiateOnFastLane,
  type MessageValue,
  messageOf,
  type Run,
} from '../component-runner.ts';
import { buildProject, copyProject, skip } from './rust-project.ts';

/** What the host functions were called with, and what they answer next. */
const calls: unknown[][] = [];
const lines: unknown[][] = [];
let answers: readonly ({ readonly ok: unknown } | { readonly err: unknown })[] = [];

function recorders(...names: string[]): Imports[string] {
  const recorder =
    (name: string) =>
    (...args: unknown[]): unknown => {
      calls.push([name, ...args.map(plain)]);
      const [answer = { ok: undefined }, ...later] = answers;
      if (later.length > 0) answers = later;
      if ('err' in answer) throw new WitError(answer.err);
      return answer.ok;
    };
  return Object.fromEntries(names.map((name) => [name, recorder(name)]));
}

const imports: Imports = {
  'motehost:agent/log': { enabled: () => true, write: (...line: unknown[]) => void lines.push(line) },
  'motehost:agent/bus': recorders('send', 'publish', 'request', 'subscribe', 'unsubscribe'),
  'motehost:agent/context': recorders('get', 'put', 'delete', 'list', 'usage'),
  'motehost:agent/tools': recorders('list', 'call'),
  'wasi:clocks/wall-clock': { now: () => ({ seconds: 1_700_000_000n, nanoseconds: 5_000_000 }) },
  'wasi:clocks/monotonic-clock': { now: () => 1_500_000n },
  'wasi:random/random': {
    getRandomU64: () => 2n ** 64n - 1n,
    getRandomBytes: (length: bigint) => new Uint8Array(Number(length)).fill(7),
  },
};

const everything = join(import.meta.dirname, 'agents/everything');
const built = skip === false ? buildProject(copyProject(everything), 'handler') : undefined;
const component = async (): Promise<Uint8Array> => {
  assert.ok(built !== undefined, 'skipped tests build nothing');
  return (await built).bytes;
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lanes = { jco: instantiateByJco, 'the fast lane': instantiateOnFastLane };

for (const [lane, instantiate] of Object.entries(lanes)) {
  describe(`a Rust agent through ${lane}`, { skip }, () => {
    let run: Run;

    before(async () => {
      run = await instantiate(await component(), imports);
    });

    /** Calls the agent; then it holds as many bytes as before, whatever happened. */
    async function ask(subject: string, body = '', more: Partial<MessageValue> = {}): Promise<unknown> {
      const live = textOf(await run.handle(messageOf('live')));
      const result = textOf(await run.handle(messageOf(subject, body, more)));
      assert.equal(textOf(await run.handle(messageOf('live'))), live, `${subject} leaves nothing allocated`);
      return result;
    }

    function askWith(answer: (typeof answers)[number], subject: string, body = ''): Promise<unknown> {
      answers = [answer];
      calls.length = 0;
      return ask(subject, body);
    }

    test('every field of a message arrives as it was sent', async () => {
      const text = fc.string({ unit: 'grapheme', maxLength: 40 });
      const optional = fc.option(text, { nil: undefined });
      const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
      const message = fc.record({
        id: text,
        sender: optional,
        replyTo: optional,
        sentAtNs: u64,
        deadlineNs: fc.option(u64, { nil: undefined }),
        attempt: fc.nat({ max: 2 ** 32 - 1 }),
        contentType: optional,
        headers: fc.array(fc.record({ name: text, value: text }), { maxLength: 20 }),
        body: text,
      });
      await fc.assert(
        fc.asyncProperty(message, async ({ body, ...fields }) => {
          const { id, sender, replyTo, sentAtNs, deadlineNs, attempt, contentType, headers } = fields;
          const named = [sender ?? '-', replyTo ?? '-', sentAtNs, deadlineNs ?? '-', attempt];
          const listed = headers.map(({ name, value }) => `${name}=${value}`);
          const expected = [id, 'show', ...named, contentType ?? '-', ...listed, body].join('|');
          assert.equal(await ask('show', body, fields), expected);
        }),
        { numRuns: 200 },
      );
    });

    test('any bytes come back as they went; no answer and an empty one are different', async () => {
      const large = 'x'.repeat(1_000_000);
      for (let turn = 0; turn < 30; turn += 1) assert.equal(await ask('bytes', large), large);
      assert.equal(await ask('none'), undefined);
      assert.equal(await ask('empty'), '');
    });

    test('every case of a failure reaches the host', async () => {
      const simple = {
        invalid: 'i',
        denied: 'd',
        unsupported: 'u',
        unavailable: 'n',
        'timed-out': 't',
        other: 'ö',
      };
      for (const [tag, val] of Object.entries(simple)) assert.deepEqual(await ask('fail', tag), { tag, val });
      const custom = (await ask('fail', 'custom')) as { val: { detail: Uint8Array } };
      assert.deepEqual(
        { ...custom, val: { ...custom.val, detail: textOf(custom.val.detail) } },
        { tag: 'custom', val: { code: 'code', message: 'words', detail: 'more' } },
      );
      const bare = { code: 'code', message: '', detail: undefined };
      assert.deepEqual(await ask('fail', 'custom-bare'), { tag: 'custom', val: bare });
    });

    test('lines of the log keep level, text and fields, those of the crate `log` too', async () => {
      lines.length = 0;
      await ask('log');
      assert.deepEqual(lines, [
        ['debug', 'debugging', []],
        ['warn', 'héllo 🌍', fieldsOf({ a: '1', b: '' })],
        ['info', 'written', fieldsOf({ x: 'true' })],
        ['error', 'from a crate', fieldsOf({ target: 'everything' })],
      ]);
    });

    test('clocks and random values are those of the world', async () => {
      assert.equal(await ask('time'), 'Ok(1700000000.005s) 1.5ms');
      assert.equal(await ask('random'), '18446744073709551615 [7, 7, 7]');
    });

    test('what is sent arrives at the bus whole', async () => {
      const plainPayload = { contentType: undefined, headers: [], body: bytes('hé') };
      assert.equal(await askWith({ ok: 'id-9' }, 'bus.send', 'hé'), '"id-9"');
      assert.deepEqual(calls, [['send', 'greeter', undefined, plainPayload]]);
      assert.equal(await askWith({ ok: 'id-9' }, 'bus.send-as', 'hé'), '"id-9"');
      assert.deepEqual(calls, [['send', 'greeter', 'id-1', plainPayload]]);
      assert.equal(await askWith({ ok: 'id-9' }, 'bus.publish', 'hé'), '"id-9"');
      assert.deepEqual(calls, [['publish', 'news.eu', undefined, plainPayload]]);
      const headers = [
        { name: 'x', value: '1' },
        { name: 'y', value: '2' },
      ];
      await askWith({ ok: 'id-9' }, 'bus.publish-as', 'hé');
      const rich = { contentType: 'text/plain', headers, body: bytes('hé') };
      assert.deepEqual(calls, [['publish', 'news.eu', 'id-1', rich]]);
    });

    test('a request gives the answer of the other side; a subscription is named and ended', async () => {
      const payload = { contentType: 'a/b', headers: [], body: bytes('hello') };
      assert.equal(await askWith({ ok: payload }, 'bus.request', 'x'), 'Ok("hello")');
      assert.equal(calls[0]?.at(-1), 0);
      await askWith({ ok: payload }, 'bus.request-within', 'x');
      assert.equal(calls[0]?.at(-1), 250);
      assert.equal(await askWith({ ok: 77n }, 'bus.subscribe'), '77');
      assert.deepEqual(calls, [['subscribe', 'news.*', undefined]]);
      await askWith({ ok: 77n }, 'bus.subscribe-in');
      assert.deepEqual(calls, [['subscribe', 'news.>', 'desk']]);
      assert.equal(await askWith({ ok: undefined }, 'bus.unsubscribe'), '()');
      assert.deepEqual(calls, [['unsubscribe', 77n]]);
    });

    test('every bus error is told apart, in every function', async () => {
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, 'Denied'],
        [{ tag: 'unavailable' }, 'Unavailable'],
        [{ tag: 'full', val: 3 }, 'Full(3)'],
        [{ tag: 'rate-limited', val: 4 }, 'RateLimited(4)'],
        [{ tag: 'timed-out' }, 'TimedOut'],
        [{ tag: 'no-responders' }, 'NoResponders'],
        [{ tag: 'too-large', val: 2n ** 40n }, 'TooLarge(1099511627776)'],
        [{ tag: 'invalid-subject', val: 'why' }, 'InvalidSubject("why")'],
        [{ tag: 'unsupported', val: 'mote-x' }, 'Unsupported("mote-x")'],
        [{ tag: 'failed', val: { tag: 'other', val: 'o' } }, 'Failed(Failure::Other("o"))'],
        [{ tag: 'cancelled' }, 'Cancelled'],
        [{ tag: 'other', val: 'zz' }, 'Other("zz")'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['send', 'publish', 'request', 'subscribe', 'unsubscribe'])
          assert.equal(await askWith({ err }, `bus.${name}`), `BusError::${shown}`);
    });

    test('memory gives entries, revisions and usage', async () => {
      assert.equal(await askWith({ ok: undefined }, 'context.get'), 'None');
      const entry = { value: bytes('v'), revision: 2n ** 63n };
      assert.match(
        String(await askWith({ ok: entry }, 'context.get')),
        /value: \[118\], revision: 9223372036854775808/,
      );
      assert.equal(await askWith({ ok: 42n }, 'context.put', 'v'), '42');
      assert.deepEqual(calls, [['put', 'k', bytes('v'), { tag: 'always' }]]);
      await askWith({ ok: 42n }, 'context.put-if', 'v');
      assert.deepEqual(calls, [['put', 'k', bytes('v'), { tag: 'revision', val: 41n }]]);
      assert.equal(await askWith({ ok: true }, 'context.delete'), 'true');
      assert.deepEqual(calls, [['delete', 'k', { tag: 'always' }]]);
      await askWith({ ok: true }, 'context.delete-if');
      assert.deepEqual(calls, [['delete', 'k', { tag: 'absent' }]]);
      const usage = { entries: 1n, bytes: 2n, bytesMax: 3n, valueBytesMax: 4n };
      assert.match(
        String(await askWith({ ok: usage }, 'context.usage')),
        /entries: 1, bytes: 2, bytes-max: 3, value-bytes-max: 4/,
      );
    });

    test('keys come one after another, page by page, and end after an error', async () => {
      const page = (keys: readonly string[], next?: string) => ({
        ok: { keys: keys.map((key) => ({ key, revision: 1n, bytes: 2n })), next },
      });
      await askWith(page(['p2']), 'context.list');
      assert.deepEqual(calls, [['list', 'p', 'p1', 2]]);
      calls.length = 0;
      answers = [page(['p1', 'p2'], 'p2'), page([], 'p3'), page(['p4'])];
      assert.equal(await ask('context.keys'), '["p1", "p2", "p4"]');
      assert.deepEqual(calls, [
        ['list', 'p', undefined, 0],
        ['list', 'p', 'p2', 0],
        ['list', 'p', 'p3', 0],
      ]);
      answers = [page(['p1'], 'p1'), { err: { tag: 'cancelled' } }];
      assert.equal(await ask('context.keys'), 'ContextError::Cancelled');
    });

    test('every memory error is told apart, in every function', async () => {
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, 'Denied'],
        [{ tag: 'unavailable' }, 'Unavailable'],
        [{ tag: 'conflict', val: 4n }, 'Conflict(Some(4))'],
        [{ tag: 'conflict' }, 'Conflict(None)'],
        [{ tag: 'too-large', val: 9n }, 'TooLarge(9)'],
        [{ tag: 'full', val: 8n }, 'Full(8)'],
        [{ tag: 'invalid-key', val: 'k' }, 'InvalidKey("k")'],
        [{ tag: 'cancelled' }, 'Cancelled'],
        [{ tag: 'other', val: 'q' }, 'Other("q")'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['get', 'put', 'delete', 'list', 'usage'])
          assert.equal(await askWith({ err }, `context.${name}`), `ContextError::${shown}`);
    });

    test('tools are listed and called', async () => {
      const tool = { name: 't', description: 'd', inputSchema: '{}', outputSchema: undefined };
      const shown = 'Tool { name: "t", description: "d", input-schema: "{}", output-schema: None }';
      assert.equal(await askWith({ ok: [tool] }, 'tools.list'), `[${shown}]`);
      assert.equal(await askWith({ ok: '{"a":1}' }, 'tools.call', '{"q":"ü"}'), '"{\\"a\\":1}"');
      assert.deepEqual(calls, [['call', 'search', '{"q":"ü"}', 0]]);
      await askWith({ ok: '' }, 'tools.call-within', '{}');
      assert.deepEqual(calls, [['call', 'search', '{}', 1]], 'a time below a millisecond is not the default');
    });

    test('every tool error is told apart, in both functions', async () => {
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, 'Denied'],
        [{ tag: 'unavailable' }, 'Unavailable'],
        [{ tag: 'invalid-arguments', val: 'x' }, 'InvalidArguments("x")'],
        [{ tag: 'timed-out' }, 'TimedOut'],
        [{ tag: 'too-large', val: 5n }, 'TooLarge(5)'],
        [{ tag: 'rate-limited', val: 6 }, 'RateLimited(6)'],
        [{ tag: 'failed', val: 'boom' }, 'Failed("boom")'],
        [{ tag: 'cancelled' }, 'Cancelled'],
        [{ tag: 'other', val: 'o' }, 'Other("o")'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['list', 'call'])
          assert.equal(await askWith({ err }, `tools.${name}`), `ToolError::${shown}`);
    });

    test('`?` turns errors into failures of the right kind, without the words of others', async () => {
      const invalid = { tag: 'invalid', val: 'invalid digit found in string' };
      assert.deepEqual(await ask('number', 'x'), invalid);
      const garbled = { body: Uint8Array.of(0xff) };
      assert.equal(((await ask('text', '', garbled)) as { tag: string }).tag, 'invalid');
      const cases = [
        ['ask', { tag: 'no-responders' }, 'unavailable', 'nobody answers'],
        ['ask', { tag: 'timed-out' }, 'timed-out', 'another agent took too long'],
        ['ask', { tag: 'failed', val: { tag: 'denied', val: 'secret' } }, 'other', 'another agent failed'],
        [
          'ask',
          { tag: 'failed', val: { tag: 'unavailable', val: 's' } },
          'unavailable',
          'another agent cannot answer now',
        ],
        ['ask', { tag: 'denied' }, 'other', 'the bus refused a call'],
        ['recall', { tag: 'conflict' }, 'unavailable', 'memory changed meanwhile'],
        ['use', { tag: 'failed', val: 'secret' }, 'other', 'a tool failed'],
      ] as const;
      for (const [subject, err, tag, val] of cases)
        assert.deepEqual(await askWith({ err }, subject), { tag, val });
      assert.deepEqual(await askWith({ ok: undefined }, 'recall'), { tag: 'other', val: 'nothing there' });
    });

    test('a panic says message and place in the log, then traps', async () => {
      for (const [subject, text] of [
        ['panic', 'as you wish'],
        ['index', 'index out of bounds: the len is 4 but the index is 11'],
      ] as const) {
        const fresh = await instantiate(await component(), imports);
        lines.length = 0;
        await assert.rejects(fresh.handle(messageOf(subject, 'wish')), /unreachable/);
        const [[level, said, fields] = []] = lines;
        assert.deepEqual([lines.length, level, said], [1, 'error', text]);
        const place = Object.fromEntries(
          (fields as { name: string; value: string }[]).map((field) => [field.name, field.value]),
        );
        assert.equal(place.file, 'src/lib.rs');
        assert.match(`${place.line}:${place.column}`, /^\d+:\d+$/);
      }
    });
  });
}

test('an agent imports what it calls and nothing else', { skip }, async () => {
  assert.deepEqual(
    (await importsOf(await component())).filter((name) => name.startsWith('wasi:')),
    ['wasi:clocks/wall-clock@0.2.0', 'wasi:clocks/monotonic-clock@0.2.0', 'wasi:random/random@0.2.0'],
  );
});

function fieldsOf(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function textOf(result: unknown): unknown {
  return result instanceof Uint8Array ? new TextDecoder().decode(result) : result;
}

/** Bytes as they are to be compared, whatever kind of view a lane gives. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== 'object' || value === null || !('body' in value)) return value;
  return { ...value, body: new Uint8Array(value.body as Uint8Array) };
}
