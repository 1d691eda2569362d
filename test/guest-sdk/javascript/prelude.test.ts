import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { buildScript, onFastLane } from '../../support/script-agent.ts';

// Everything the prelude adds to the language, asked inside one real component.

const wit = `package test:prelude@0.1.0;
world asking {
  include motehost:agent/imports@0.1.0;
  export ask: func(code: string) -> result<string, string>;
}`;

const source = `
import { log, utf8 } from 'motehost:agent';
globalThis.log = log;
globalThis.utf8 = utf8;
const early = [];
for (const what of [() => Date.now(), () => new Date(), () => Math.random(), () => performance.now(), () => crypto.randomUUID(), () => console.log('x')])
  try { what(); early.push('ran'); } catch (error) { early.push(error.message); }
globalThis.early = early;
globalThis.parsed = new Date(0).toISOString();
export function ask(code) {
  const value = (0, eval)(code);
  return typeof value === 'string' ? value : JSON.stringify(value) ?? 'undefined';
}`;

let bytes: Uint8Array<ArrayBuffer>;
let asked: Instance;
const lines: [level: string, text: string, fields: unknown][] = [];

function linker(firstByte: number): Linker {
  const functions = {
    log: { enabled: () => true, write: (...line: [string, string, unknown]) => void lines.push(line) },
    wall: { now: () => ({ seconds: 1_700_000_000n, nanoseconds: 5_000_000 }), resolution: () => ({}) },
    monotonic: { now: () => BigInt(Math.round(performance.now() * 1e6)), resolution: () => 1n },
    random: {
      getRandomBytes: (length: bigint) =>
        Uint8Array.from({ length: Number(length) }, (_, index) => firstByte + index),
      getRandomU64: () => 1n,
    },
  };
  const offer = (name: keyof typeof functions) => ({
    functions: functions[name],
    suspending: new Set<string>(),
  });
  return new Linker()
    .define('motehost:agent/log@0.1.0', offer('log'))
    .define('wasi:clocks/wall-clock@0.2.0', offer('wall'))
    .define('wasi:clocks/monotonic-clock@0.2.0', offer('monotonic'))
    .define('wasi:random/random@0.2.0', offer('random'));
}

before(async () => {
  ({ bytes } = await buildScript({ 'agent.js': source, 'wit/asking.wit': wit }, 'asking'));
  asked = await onFastLane(bytes, linker(1));
});
after(() => asked.dispose());

async function ask(code: string, instance: Instance = asked): Promise<unknown> {
  const { tag, val } = (await instance.call('ask', [code])) as { tag: string; val: string };
  if (tag === 'err') return `err ${val}`;
  try {
    return JSON.parse(val);
  } catch {
    return val;
  }
}

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];
const texts = [
  '',
  'Ada',
  'Grüße',
  '漢字',
  '🌲\u{10ffff}',
  '\u0000\u007f\u0080\u07ff\u0800\uffff',
  'x'.repeat(20_000),
];
const broken = [
  [0x80],
  [0xc3],
  [0xc0, 0x80],
  [0xe2, 0x82],
  [0xe2, 0x82, 0x41],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x8c],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff, 0x41, 0xfe],
  [0xf0, 0x9f, 0x41, 0xe2, 0x82, 0xc3, 0xbc],
];

test('TextEncoder writes UTF-8, and U+FFFD for half a surrogate pair', async () => {
  for (const text of [...texts, '\ud800', 'a\udc00b', '\udc00\ud800'])
    assert.deepEqual(await ask(`[...new TextEncoder().encode(${JSON.stringify(text)})]`), bytesOf(text));
  assert.deepEqual(
    await ask('const t = new Uint8Array(4); [new TextEncoder().encodeInto("aüü", t), [...t]]'),
    [{ read: 2, written: 3 }, [97, 195, 188, 0]],
  );
});

test('TextDecoder reads UTF-8 as Node.js does, whole, broken, strict and in pieces', async () => {
  const decode = (list: readonly number[], options = '{}'): Promise<unknown> =>
    ask(`JSON.stringify(new TextDecoder('utf-8', ${options}).decode(new Uint8Array([${list}])))`);
  for (const text of texts.slice(0, -1)) assert.equal(await decode(bytesOf(text)), text);
  for (const list of broken) {
    assert.equal(await decode(list), new TextDecoder().decode(new Uint8Array(list)), String(list));
    assert.match(String(await decode(list, '{ fatal: true }')), /^err the bytes are not UTF-8/);
  }
  assert.equal(await decode([0xef, 0xbb, 0xbf, 0x41]), 'A');
  assert.equal(await decode([0xef, 0xbb, 0xbf, 0x41], '{ ignoreBOM: true }'), '\ufeffA');
  const pieces = `const d = new TextDecoder(); const all = [${bytesOf('aü漢🌲')}];
    all.map((byte) => d.decode(new Uint8Array([byte]), { stream: true })).join('') + d.decode()`;
  assert.equal(await ask(`{ ${pieces} }`), 'aü漢🌲');
  assert.match(String(await ask('new TextDecoder("latin1")')), /^err TextDecoder knows utf-8/);
});

test('utf8 of the SDK does the same', async () => {
  assert.equal(await ask('utf8.decode(utf8.encode("Grüße 🌲"))'), 'Grüße 🌲');
  assert.equal(await ask('utf8.decode(new Uint8Array([0x41, 0xff]))'), 'A\ufffd');
});

test('console writes lines of the log, by level, with values as people read them', async () => {
  lines.length = 0;
  await ask(
    `console.log('text', 1, 2n, null, undefined, [1, 'x'], { a: { b: new Map([[1, 2]]) } }, new Set(['s']), -0, new Uint8Array([7]))`,
  );
  await ask('console.error("bad"), console.warn("careful"), console.debug("detail"), console.info("note")');
  await ask(
    'console.group("outer"), console.log("a\\nb"), console.groupEnd(), console.assert(true), console.assert(false, "no")',
  );
  await ask(
    'const loop = { name: "loop" }; loop.self = loop; console.log(loop, new (class Point { x = 1 })(), () => 1)',
  );
  assert.deepEqual(
    lines.map(([level, text]) => `${level} ${text}`),
    [
      'info text 1 2n null undefined [1, "x"] { a: { b: Map {1 => 2} } } Set {"s"} -0 Uint8Array [7]',
      'error bad',
      'warn careful',
      'debug detail',
      'info note',
      'info outer',
      'info   a',
      'info   b',
      'error Assertion failed no',
      'info { name: "loop", self: [circular] } Point { x: 1 } [function ]',
    ],
  );
});

test('the log takes named values', async () => {
  lines.length = 0;
  await ask('log.info("greeting", { who: "Ada", times: 3 }), log.trace("bare")');
  assert.deepEqual(lines, [
    [
      'info',
      'greeting',
      [
        { name: 'who', value: 'Ada' },
        { name: 'times', value: '3' },
      ],
    ],
    ['trace', 'bare', []],
  ]);
});

test('the time is the world’s', async () => {
  assert.equal(await ask('String(Date.now())'), 1_700_000_000_005);
  assert.equal(await ask('new Date().toISOString()'), '2023-11-14T22:13:20.005Z');
  assert.equal(await ask('parsed'), '1970-01-01T00:00:00.000Z');
  assert.deepEqual(
    await ask(
      '[new Date() instanceof Date, new Date(5).constructor === Date, typeof Date(), Date.UTC(2020, 0)]',
    ),
    [true, true, 'string', 1_577_836_800_000],
  );
  assert.equal(await ask('const first = performance.now(); first === 0 && performance.now() >= 0'), true);
});

test('random numbers are the world’s: two instances have different ones, the same entropy the same ones', async () => {
  const numbers = 'Array.from({ length: 4 }, Math.random)';
  const [one, two, again] = [
    await onFastLane(bytes, linker(1)),
    await onFastLane(bytes, linker(2)),
    await onFastLane(bytes, linker(1)),
  ];
  const first = (await ask(numbers, one)) as number[];
  assert.notDeepEqual(await ask(numbers, two), first);
  assert.deepEqual(await ask(numbers, again), first);
  assert.ok(first.every((number) => number >= 0 && number < 1));
  const mean = await ask('Array.from({ length: 2000 }, Math.random).reduce((a, b) => a + b) / 2000');
  assert.ok(Math.abs(Number(mean) - 0.5) < 0.05, String(mean));
});

test('crypto fills arrays and makes UUIDs', async () => {
  assert.deepEqual(await ask('[...crypto.getRandomValues(new Uint8Array(4))]'), [1, 2, 3, 4]);
  assert.deepEqual(await ask('[...crypto.getRandomValues(new Uint16Array(2))]'), [0x0201, 0x0403]);
  assert.equal(await ask('crypto.randomUUID()'), '01020304-0506-4708-890a-0b0c0d0e0f10');
  assert.match(
    String(await ask('crypto.getRandomValues(new Float64Array(1))')),
    /^err getRandomValues fills/,
  );
  assert.match(
    String(await ask('crypto.getRandomValues(new Uint8Array(65537))')),
    /^err at most 65536 bytes/,
  );
});

test('structuredClone copies what is in a value, and what is in it twice once', async () => {
  const code = `const shared = { n: 1n }; const value = { a: shared, b: [shared, new Date(5), /x/g, new Map([[1, new Set([2])]])], c: new Uint16Array([1, 2]) };
    value.self = value; const copy = structuredClone(value);
    [copy !== value, copy.a === copy.b[0], copy.a !== shared, String(copy.a.n), copy.self === copy, copy.b[1].getTime(), String(copy.b[2]), copy.b[3].get(1).has(2), [...copy.c]]`;
  assert.deepEqual(await ask(`{ ${code} }`), [true, true, true, '1', true, 5, '/x/g', true, [1, 2]]);
  assert.match(String(await ask('structuredClone(() => 1)')), /^err a function cannot be cloned/);
  assert.deepEqual(
    await ask('const e = structuredClone(new RangeError("far")); [e instanceof RangeError, e.message]'),
    [true, 'far'],
  );
});

test('atob, btoa and queueMicrotask are the engine’s own', async () => {
  assert.deepEqual(await ask('[btoa("Ada"), atob("QWRh")]'), ['QWRh', 'Ada']);
  await ask('globalThis.later = 0; queueMicrotask(() => { later = 1; }); later');
  assert.equal(await ask('typeof queueMicrotask'), 'function');
});

test('nothing outside is asked while the module is built', async () => {
  const early = (await ask('early')) as string[];
  assert.equal(early.length, 6);
  for (const message of early) assert.match(message, /cannot be used while the module is built/);
});
