import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { WitError } from '../../host/engine/linker.ts';
import { fc } from '../support/properties.ts';
import {
  buildTestAgent,
  type Imports,
  instantiateByJco,
  instantiateOnFastLane,
  type MessageValue,
  messageOf,
  type Run,
} from './component-runner.ts';

/** What the host functions were called with, and what they answer next. */
const calls: unknown[][] = [];
const lines: unknown[][] = [];
let answer: { readonly ok: unknown } | { readonly err: unknown } = { ok: undefined };

function recorder(name: string): (...args: never[]) => unknown {
  return (...args) => {
    calls.push([name, ...args]);
    if ('err' in answer) throw new WitError(answer.err);
    return answer.ok;
  };
}

function recorders(...names: string[]): Imports[string] {
  return Object.fromEntries(names.map((name) => [name, recorder(name)]));
}

const imports: Imports = {
  'motehost:agent/log': {
    enabled: () => true,
    write: (...line: unknown[]) => {
      lines.push(line);
    },
  },
  'motehost:agent/bus': recorders('send', 'publish', 'request', 'subscribe', 'unsubscribe'),
  'motehost:agent/context': recorders('get', 'put', 'delete', 'list', 'usage'),
  'motehost:agent/tools': recorders('list', 'call'),
  'wasi:clocks/wall-clock': { now: () => ({ seconds: 1_700_000_000n, nanoseconds: 5_000_000 }) },
  'wasi:clocks/monotonic-clock': { now: () => 1_500_000n },
  'wasi:random/random': {
    getRandomU64: () => 5n,
    getRandomBytes: (length: bigint) => new Uint8Array(Number(length)).fill(7),
  },
};

const built = buildTestAgent('everything', { countBlocks: true });
const encoder = new TextEncoder();
const lanes = { jco: instantiateByJco, 'the fast lane': instantiateOnFastLane };

for (const [lane, instantiate] of Object.entries(lanes)) {
  describe(`through ${lane}`, () => {
    let run: Run;

    before(async () => {
      run = await instantiate((await built).bytes, imports);
    });

    /** Calls the agent, then asks it how many raw blocks it still holds: none, whatever happened. */
    async function ask(subject: string, body = '', more: Partial<MessageValue> = {}): Promise<unknown> {
      const result = textOf(await run.handle(messageOf(subject, body, more)));
      assert.equal(textOf(await run.handle(messageOf('live'))), '0', `${subject} leaves nothing allocated`);
      return result;
    }

    function askWith(next: typeof answer, subject: string, body = ''): Promise<unknown> {
      answer = next;
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
          const expected = [
            ...[
              id,
              'show',
              sender ?? '-',
              replyTo ?? '-',
              sentAtNs,
              deadlineNs ?? '-',
              attempt,
              contentType ?? '-',
            ],
            ...headers.map(({ name, value }) => `${name}=${value}`),
            body,
          ];
          assert.equal(await ask('show', body, fields), expected.join('|'));
        }),
        { numRuns: 200 },
      );
    });

    test('any bytes come back as they went, however many', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (body) => {
          assert.deepEqual(
            Buffer.from((await run.handle(messageOf('bytes', '', { body }))) as Uint8Array),
            Buffer.from(body),
          );
        }),
        { numRuns: 100 },
      );
      const large = 'x'.repeat(1_000_000);
      for (let i = 0; i < 30; i++) assert.equal(await ask('bytes', large), large);
    });

    test('no answer and an empty answer are different', async () => {
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
      const custom = (await ask('fail', 'custom')) as { tag: string; val: { detail: Uint8Array } };
      assert.deepEqual(
        { ...custom, val: { ...custom.val, detail: new TextDecoder().decode(custom.val.detail) } },
        { tag: 'custom', val: { code: 'code', message: 'words', detail: 'more' } },
      );
      assert.deepEqual(await ask('fail', 'custom-bare'), {
        tag: 'custom',
        val: { code: 'code', message: '', detail: undefined },
      });
    });

    test('log lines keep their level, text and fields; console and trace go to the log', async () => {
      lines.length = 0;
      await ask('log');
      assert.deepEqual(lines, [
        ['debug', 'debugging', []],
        [
          'warn',
          'héllo 🌍',
          [
            { name: 'a', value: '1' },
            { name: 'b', value: '' },
          ],
        ],
        ['info', 'console', []],
        ['error', 'console error', []],
        ['trace', 'traced 1.0, 2.5', []],
      ]);
    });

    test('Date, performance, Math.random and crypto ask the world', async () => {
      assert.equal(await ask('clock'), '2023-11-14T22:13:20.005Z 1.5 true 16 8');
    });

    test('what is sent arrives at the bus whole', async () => {
      calls.length = 0;
      assert.equal(await askWith({ ok: 'id-9' }, 'bus.send', 'hé'), 'id-9');
      assert.equal(await askWith({ ok: 'id-10' }, 'bus.publish', 'x'), 'id-10');
      assert.deepEqual(calls, [
        ['send', 'greeter', undefined, { contentType: undefined, headers: [], body: Buffer.from('hé') }].map(
          plain,
        ),
        [
          'publish',
          'news.eu',
          'id-1',
          {
            contentType: 'text/plain',
            headers: [
              { name: 'x', value: '1' },
              { name: 'y', value: '2' },
            ],
            body: Buffer.from('x'),
          },
        ].map(plain),
      ]);
    });

    test('a request gives the answer of the other side', async () => {
      const payload = {
        contentType: 'a/b',
        headers: [{ name: 'n', value: 'v' }],
        body: encoder.encode('hello'),
      };
      assert.equal(await askWith({ ok: payload }, 'bus.request', 'x'), 'a/b|1|hello');
      assert.equal(
        await askWith({ ok: { contentType: undefined, headers: [], body: new Uint8Array() } }, 'bus.request'),
        '-|0|',
      );
      assert.equal(await askWith({ ok: 77n }, 'bus.subscribe'), '77');
      assert.equal(await askWith({ ok: undefined }, 'bus.unsubscribe'), 'ok');
    });

    test('every bus error is told apart, in every function', async () => {
      const custom = { code: 'c', message: 'm', detail: new Uint8Array(3) };
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, '0 denied'],
        [{ tag: 'unavailable' }, '1 unavailable'],
        [{ tag: 'full', val: 3 }, '2 full: 3'],
        [{ tag: 'rate-limited', val: 4 }, '3 rate-limited: 4'],
        [{ tag: 'timed-out' }, '4 timed-out'],
        [{ tag: 'no-responders' }, '5 no-responders'],
        [{ tag: 'too-large', val: 2n ** 40n }, '6 too-large: 1099511627776'],
        [{ tag: 'invalid-subject', val: 'why' }, '7 invalid-subject: why'],
        [{ tag: 'unsupported', val: 'mote-x' }, '8 unsupported: mote-x'],
        [{ tag: 'failed', val: { tag: 'custom', val: custom } }, '9 failed: custom c:m'],
        [{ tag: 'failed', val: { tag: 'other', val: 'o' } }, '9 failed: other: o other: o'],
        [{ tag: 'cancelled' }, '10 cancelled'],
        [{ tag: 'other', val: 'zz' }, '11 other: zz'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['send', 'publish', 'request', 'subscribe', 'unsubscribe'])
          assert.equal(await askWith({ err }, `bus.${name}`), `bus-error ${shown}`);
    });

    test('memory gives entries, revisions and pages', async () => {
      assert.equal(await askWith({ ok: undefined }, 'context.get', 'k'), 'absent');
      const entry = { value: encoder.encode('val'), revision: 2n ** 63n };
      assert.equal(await askWith({ ok: entry }, 'context.get', 'k'), '9223372036854775808 val');
      assert.equal(await askWith({ ok: undefined }, 'context.text'), 'absent');
      assert.equal(
        await askWith({ ok: { ...entry, value: encoder.encode('wört') } }, 'context.text'),
        'wört',
      );
      calls.length = 0;
      assert.equal(await askWith({ ok: 42n }, 'context.put', 'v'), '42');
      assert.equal(await askWith({ ok: 43n }, 'context.set', 'w'), '43');
      assert.equal(await askWith({ ok: true }, 'context.delete'), 'true');
      assert.deepEqual(calls, [
        ['put', 'k', encoder.encode('v'), { tag: 'revision', val: 41n }],
        ['put', 'k', encoder.encode('w'), { tag: 'always' }],
        ['delete', 'k', { tag: 'absent' }],
      ]);
      const keys = [
        { key: 'p1', revision: 1n, bytes: 2n },
        { key: 'p2', revision: 3n, bytes: 4n },
      ];
      assert.equal(await askWith({ ok: { keys, next: 'p2' } }, 'context.list'), 'p1:1:2 p2:3:4 p2');
      assert.equal(await askWith({ ok: { keys: [], next: undefined } }, 'context.list'), 'end');
      const usage = { entries: 1n, bytes: 2n, bytesMax: 3n, valueBytesMax: 4n };
      assert.equal(await askWith({ ok: usage }, 'context.usage'), '1 2 3 4');
    });

    test('every memory error is told apart, in every function', async () => {
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, '0 denied'],
        [{ tag: 'unavailable' }, '1 unavailable'],
        [{ tag: 'conflict', val: 4n }, '2 conflict 4'],
        [{ tag: 'conflict' }, '2 conflict'],
        [{ tag: 'too-large', val: 9n }, '3 too-large: 9'],
        [{ tag: 'full', val: 8n }, '4 full: 8'],
        [{ tag: 'invalid-key', val: 'k' }, '5 invalid-key: k'],
        [{ tag: 'cancelled' }, '6 cancelled'],
        [{ tag: 'other', val: 'q' }, '7 other: q'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['get', 'text', 'put', 'set', 'delete', 'list', 'usage'])
          assert.equal(await askWith({ err }, `context.${name}`), `context-error ${shown}`);
    });

    test('tools are listed and called', async () => {
      const tool = { name: 't', description: 'd', inputSchema: '{}', outputSchema: undefined };
      assert.equal(
        await askWith({ ok: [tool, { ...tool, outputSchema: '[]' }] }, 'tools.list'),
        't,d,{},-;t,d,{},[];',
      );
      assert.equal(await askWith({ ok: [] }, 'tools.list'), '');
      assert.equal(await askWith({ ok: '{"a":1}' }, 'tools.call', '{"q":"ü"}'), '{"a":1}');
      assert.deepEqual(calls.at(-1), ['call', 'search', '{"q":"ü"}', 0]);
    });

    test('every tool error is told apart, in both functions', async () => {
      const cases: readonly (readonly [err: unknown, shown: string])[] = [
        [{ tag: 'denied' }, '0 denied'],
        [{ tag: 'unavailable' }, '1 unavailable'],
        [{ tag: 'invalid-arguments', val: 'x' }, '2 invalid-arguments: x'],
        [{ tag: 'timed-out' }, '3 timed-out'],
        [{ tag: 'too-large', val: 5n }, '4 too-large: 5'],
        [{ tag: 'rate-limited', val: 6 }, '5 rate-limited: 6'],
        [{ tag: 'failed', val: 'boom' }, '6 failed: boom'],
        [{ tag: 'cancelled' }, '7 cancelled'],
        [{ tag: 'other', val: 'o' }, '8 other: o'],
      ];
      for (const [err, shown] of cases)
        for (const name of ['list', 'call'])
          assert.equal(await askWith({ err }, `tools.${name}`), `tool-error ${shown}`);
    });

    test('the collector survives thousands of calls of every kind', async () => {
      const fresh = await instantiate((await built).bytes, imports);
      const subjects = ['show', 'fail', 'empty', 'bytes', 'log', 'clock'];
      for (let i = 0; i < 3000; i++) {
        await fresh.handle(messageOf(subjects[i % subjects.length] ?? '', 'invalid'));
      }
    });

    test('a throw says message, file and line in the log and traps', async () => {
      const fresh = await instantiate((await built).bytes, imports);
      lines.length = 0;
      await assert.rejects(fresh.handle(messageOf('throw')), /unreachable/);
      assert.deepEqual(lines, [
        [
          'error',
          'as you wish',
          [
            { name: 'file', value: 'assembly/index.ts' },
            { name: 'line', value: '31' },
          ],
        ],
      ]);
    });
  });
}

function textOf(result: unknown): unknown {
  return result instanceof Uint8Array ? new TextDecoder().decode(result) : result;
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value;
  return { ...value, body: new Uint8Array(value.body as Uint8Array) };
}
