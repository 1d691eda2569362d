import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Firing,
  type Heard,
  Triggers,
  type TriggersOptions,
} from '../../host/agent/triggers/triggers.ts';
import type { Trigger } from '../../host/manifest.ts';
import { TurnedClock } from './turned-clock.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const path = 'agents/billing/agent.toml';
const plain = { misfire: 'once', jitterMs: 0 } as const;

function cron(text: string, zone?: string, name = 'daily'): Trigger {
  return { name, occasion: { kind: 'cron', cron: text, zone }, body: undefined, ...plain };
}

function every(everyMs: number, name = 'often'): Trigger {
  return { name, occasion: { kind: 'every', everyMs }, body: undefined, ...plain };
}

/** Triggers on a turned clock, and when they fired. */
function set(start: string, options: Partial<TriggersOptions> = {}) {
  const clock = new TurnedClock(start);
  const fired: { agent: string; at: string; due: string; firing: Firing }[] = [];
  const triggers = new Triggers({
    clock,
    listen: () => () => {},
    fire: (agent, firing) =>
      fired.push({ agent, at: clock.text, due: new Date(firing.dueMs).toISOString(), firing }),
    ...options,
  });
  return { clock, triggers, fired, times: () => fired.map(({ at }) => at.slice(0, 16)) };
}

test('a cron trigger sends its agent a message at its times, in its zone', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z');
  triggers.add('billing', [{ ...cron('0 8 * * *', 'Europe/Berlin'), body: 'report' }], path);
  await clock.pass(48 * hourMs);
  assert.deepEqual(
    fired.map(({ agent, at, due, firing }) => [
      agent,
      at,
      due,
      firing.subject,
      String(Buffer.from(firing.body)),
    ]),
    ['2027-01-10T07:00:00.000Z', '2027-01-11T07:00:00.000Z'].map((at) => [
      'billing',
      at,
      at,
      'trigger.daily',
      'report',
    ]),
  );
});

test('without a zone, times are UTC whatever the zone of the machine', async () => {
  const { clock, triggers, times } = set('2027-07-10T00:00:00Z');
  triggers.add('billing', [cron('30 6 * * *')], path);
  await clock.pass(24 * hourMs);
  assert.deepEqual(times(), ['2027-07-10T06:30']);
});

test('spring: a time that the clocks skip comes once, right after the gap', async () => {
  const { clock, triggers, times } = set('2027-03-27T12:00:00Z');
  triggers.add('billing', [cron('30 2 * * *', 'Europe/Berlin')], path);
  await clock.pass(48 * hourMs);
  assert.deepEqual(times(), ['2027-03-28T01:00', '2027-03-29T00:30']);
});

test('autumn: a time that the clocks repeat comes once, the first time', async () => {
  const { clock, triggers, times } = set('2027-10-30T12:00:00Z');
  triggers.add('billing', [cron('30 2 * * *', 'Europe/Berlin')], path);
  await clock.pass(48 * hourMs);
  assert.deepEqual(times(), ['2027-10-31T00:30', '2027-11-01T01:30']);
});

test('spring and autumn: every half hour stays every half hour', async () => {
  for (const night of ['2027-03-27T23:45:00Z', '2027-10-30T23:45:00Z']) {
    const { clock, triggers, fired } = set(night);
    triggers.add('billing', [cron('*/30 * * * *', 'Europe/Berlin')], path);
    await clock.pass(5 * hourMs);
    assert.equal(fired.length, 10);
    const apart = fired.slice(1).map(({ firing }, index) => firing.dueMs - (fired[index]?.firing.dueMs ?? 0));
    assert.deepEqual(new Set(apart), new Set([30 * minuteMs]));
  }
});

test('an interval fires first after one interval, and keeps its phase when it fires late', async () => {
  const { clock, triggers, times } = set('2027-01-10T00:00:00Z');
  triggers.add('billing', [every(10 * minuteMs)], path);
  await clock.pass(15 * minuteMs);
  await clock.freeze(8 * minuteMs);
  await clock.pass(17 * minuteMs);
  assert.deepEqual(times(), ['2027-01-10T00:10', '2027-01-10T00:23', '2027-01-10T00:30', '2027-01-10T00:40']);
});

test('a host that slept through many times makes up for one, the latest, and goes on', async () => {
  for (const [trigger, due, next] of [
    [cron('0 * * * *'), '2027-01-10T05:00:00.000Z', '2027-01-10T06:00'],
    [every(hourMs), '2027-01-10T05:00:00.000Z', '2027-01-10T06:00'],
  ] as const) {
    const { clock, triggers, fired, times } = set('2027-01-10T00:00:00Z');
    triggers.add('billing', [trigger], path);
    await clock.freeze(5 * hourMs + 20 * minuteMs);
    assert.deepEqual(
      fired.map((one) => one.due),
      [due],
    );
    await clock.pass(hourMs);
    assert.deepEqual(times(), ['2027-01-10T05:20', next]);
    assert.equal(triggers.status().skipped, 1);
  }
});

test('a host that was down makes up for one missed time; none was missed: it fires nothing', async () => {
  for (const [last, expected] of [
    ['2027-01-06T08:00:00Z', ['2027-01-10T00:00', '2027-01-10T08:00']],
    ['2027-01-09T08:00:00Z', ['2027-01-10T08:00']],
    [undefined, ['2027-01-10T08:00']],
    // From a clock that was wrong.
    ['2031-01-01T08:00:00Z', ['2027-01-10T08:00']],
  ] as const) {
    const lastDueMs = (): number | undefined => (last === undefined ? undefined : Date.parse(last));
    const { clock, triggers, times } = set('2027-01-10T00:00:00Z', { lastDueMs });
    triggers.add('billing', [cron('0 8 * * *')], path);
    await clock.pass(12 * hourMs);
    assert.deepEqual(times(), expected, String(last));
  }
});

test('an interval goes on in its phase after a restart', async () => {
  const lastDueMs = (): number => Date.parse('2027-01-10T00:03:00Z');
  const { clock, triggers, times } = set('2027-01-10T00:08:00Z', { lastDueMs });
  triggers.add('billing', [every(10 * minuteMs)], path);
  await clock.pass(20 * minuteMs);
  assert.deepEqual(times(), ['2027-01-10T00:13', '2027-01-10T00:23']);
});

test('setting the wall clock back a little fires nothing twice; far back, times are found anew', async () => {
  const { clock, triggers, times } = set('2027-01-10T07:59:00Z');
  triggers.add('billing', [cron('0 8 * * *')], path);
  await clock.pass(2 * minuteMs);
  clock.set('2027-01-10T07:55:00Z');
  await clock.pass(10 * minuteMs);
  assert.deepEqual(times(), ['2027-01-10T08:00']);
  clock.set('2020-05-05T07:55:00Z');
  await clock.pass(10 * minuteMs);
  assert.deepEqual(times(), ['2027-01-10T08:00', '2020-05-05T08:00']);
});

test('intervals do not care what the wall clock is set to', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z');
  triggers.add('billing', [every(minuteMs)], path);
  await clock.pass(90_000);
  clock.set('2020-01-01T00:00:00Z');
  await clock.pass(90_000);
  clock.set('2030-01-01T00:00:00Z');
  await clock.pass(60_000);
  assert.equal(fired.length, 4);
});

test('a subject trigger passes on what it hears, or its own body, until it is removed', () => {
  const listeners = new Map<string, (heard: Heard) => void>();
  const { triggers, fired } = set('2027-01-10T00:00:00Z', {
    listen: (pattern, listener) => {
      listeners.set(pattern, listener);
      return () => listeners.delete(pattern);
    },
  });
  const subject = (name: string, pattern: string, body?: string): Trigger => ({
    name,
    occasion: { kind: 'subject', pattern },
    body,
    ...plain,
  });
  triggers.add('audit', [subject('any', 'orders.>'), subject('own', 'stock.*', 'look')], path);
  const heard = { contentType: 'text/plain', body: new Uint8Array([1, 2]) };
  for (const listener of listeners.values()) listener(heard);
  assert.deepEqual(
    fired.map(({ agent, firing }) => [agent, firing.subject, firing.contentType, Buffer.from(firing.body)]),
    [
      ['audit', 'trigger.any', 'text/plain', Buffer.from([1, 2])],
      ['audit', 'trigger.own', undefined, Buffer.from('look')],
    ],
  );
  triggers.remove('audit');
  assert.equal(listeners.size, 0);
});

test('times that are none are refused: file, trigger, key and what is wrong; and what was set up stays', () => {
  const { triggers } = set('2027-01-10T00:00:00Z');
  triggers.add('billing', [cron('0 8 * * *')], path);
  for (const [trigger, message] of [
    [cron('99 * * * *'), /agent\.toml: trigger 'daily': cron = "99 \* \* \* \*": '99' is no minute: 0 to 59/],
    [cron('0 8 * *'), /4 fields are no time/],
    [cron('0 8 * * * * 2027'), /7 fields are no time/],
    [cron('a b c d e'), /'a' is no minute/],
    [cron('0 8 31 2 *'), /no such day/],
    [
      cron('0 8 * * *', 'Europe/Berln'),
      /zone = "Europe\/Berln" is not a time zone, did you mean 'Europe\/Berlin'\?/,
    ],
  ] as const)
    assert.throws(() => triggers.add('billing', [trigger], path), {
      code: 'HOST_ERR_CONFIG_INVALID',
      message,
    });
  assert.deepEqual(triggers.of('billing'), [{ name: 'daily', nextMs: Date.parse('2027-01-10T08:00:00Z') }]);
});

test('setting an agent up again keeps the phase of what stayed and ends what is gone', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z');
  triggers.add('billing', [every(10 * minuteMs, 'kept'), every(10 * minuteMs, 'gone')], path);
  await clock.pass(5 * minuteMs);
  triggers.add('billing', [every(10 * minuteMs, 'kept'), every(7 * minuteMs, 'new')], path);
  await clock.pass(8 * minuteMs);
  assert.deepEqual(
    fired.map(({ at, firing }) => [firing.name, at.slice(14, 16)]),
    [
      ['kept', '10'],
      ['new', '12'],
    ],
  );
  triggers.remove('billing');
  triggers.remove('unknown');
  await clock.pass(hourMs);
  assert.equal(fired.length, 2);
  assert.equal(triggers.status().waiting, 0);
});

test('there is one wait however many triggers there are, and none without or after the end', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z');
  assert.equal(clock.waiting, 0);
  for (let agent = 0; agent < 1000; agent++)
    triggers.add(`a${agent}`, [every(minuteMs + agent), cron('*/5 * * * *')], path);
  await clock.pass(0);
  assert.equal(clock.waiting, 1);
  await clock.pass(minuteMs);
  assert.equal(fired.length, 1);
  triggers.stop();
  await clock.pass(0);
  assert.equal(clock.waiting, 0);
  await clock.pass(hourMs);
  assert.equal(fired.length, 1);
});

test('ten thousand triggers fire when they are due, none early, none left out', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z');
  for (let agent = 0; agent < 10_000; agent++)
    triggers.add(
      `a${agent}`,
      [agent % 2 === 0 ? every(10 * minuteMs + agent) : cron(`${agent % 60} * * * *`, 'Europe/Berlin')],
      path,
    );
  await clock.pass(hourMs);
  const late = new Set(fired.map(({ firing, at }) => Date.parse(at) - firing.dueMs));
  assert.deepEqual([...late], [0]);
  assert.equal(triggers.status().lateMsMax, 0);
  const crons = fired.filter(({ firing }) => firing.name === 'daily').length;
  let intervals = 0;
  for (let agent = 0; agent < 10_000; agent += 2) intervals += Math.floor(hourMs / (10 * minuteMs + agent));
  assert.deepEqual([crons, fired.length - crons], [5000, intervals]);
});

test('more triggers than the host holds are refused', () => {
  const { triggers } = set('2027-01-10T00:00:00Z', { triggersMax: 2 });
  triggers.add('a', [every(1000), every(1000, 'b')], path);
  triggers.add('a', [every(1000), every(1000, 'c')], path);
  assert.throws(() => triggers.add('b', [every(1000)], path), { message: /triggersMax\) is 2/ });
});

function at(text: string): Trigger {
  return { name: 'moment', occasion: { kind: 'at', atMs: Date.parse(text) }, body: undefined, ...plain };
}

test('a moment comes once; one that passed while the host was down is made up for, unless it was seen to', async () => {
  const start = '2027-01-10T12:00:00Z';
  const ahead = set(start);
  ahead.triggers.add('billing', [at('2027-01-10T13:00:00Z')], path);
  assert.equal(ahead.triggers.of('billing')[0]?.nextMs, Date.parse('2027-01-10T13:00:00Z'));
  await ahead.clock.pass(48 * hourMs);
  assert.deepEqual(ahead.times(), ['2027-01-10T13:00']);
  assert.equal(ahead.triggers.of('billing')[0]?.nextMs, undefined);
  const passed = set(start);
  passed.triggers.add('billing', [at('2027-01-10T11:00:00Z')], path);
  await passed.clock.pass(hourMs);
  assert.equal(passed.fired.length, 1);
  assert.equal(passed.fired[0]?.due, '2027-01-10T11:00:00.000Z');
  const seenTo = set(start, { lastDueMs: () => Date.parse('2027-01-10T11:00:00Z') });
  seenTo.triggers.add('billing', [at('2027-01-10T11:00:00Z')], path);
  const skips = set(start);
  skips.triggers.add('billing', [{ ...at('2027-01-10T11:00:00Z'), misfire: 'skip' }], path);
  await Promise.all([seenTo, skips].map(({ clock }) => clock.pass(hourMs)));
  assert.deepEqual([seenTo.fired.length, skips.fired.length], [0, 0]);
});

for (const [misfire, made] of [
  ['skip', []],
  ['once', ['2027-01-10T05:00']],
  [
    'all',
    ['2027-01-10T01:00', '2027-01-10T02:00', '2027-01-10T03:00', '2027-01-10T04:00', '2027-01-10T05:00'],
  ],
] as const)
  test(`times that passed while the host was down: ${misfire}`, async () => {
    const { clock, triggers, fired } = set('2027-01-10T05:30:00Z', {
      lastDueMs: () => Date.parse('2027-01-10T00:00:00Z'),
    });
    triggers.add('billing', [{ ...every(hourMs), misfire }], path);
    await clock.pass(minuteMs);
    assert.deepEqual(
      fired.map(({ due }) => due.slice(0, 16)),
      made,
    );
    await clock.pass(hourMs);
    assert.equal(fired.at(-1)?.due.slice(0, 16), '2027-01-10T06:00', 'then comes the first that is ahead');
    assert.equal(fired.length, made.length + 1);
  });

test('of many times that passed, all are made up for up to a bound', async () => {
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z', {
    lastDueMs: () => Date.parse('2027-01-09T00:00:00Z'),
  });
  triggers.add('billing', [{ ...every(minuteMs), misfire: 'all' }], path);
  await clock.pass(1_000);
  assert.ok(fired.length > 100 && fired.length <= 102, String(fired.length));
  assert.equal(fired.at(-1)?.due, '2027-01-10T00:00:00.000Z');
});

test('jitter puts each time off, and none after it', async () => {
  const chances = [0.5, 0, 0.999];
  const { clock, triggers, fired } = set('2027-01-10T00:00:00Z', { chance: () => chances.shift() ?? 0 });
  triggers.add('billing', [{ ...every(hourMs), jitterMs: 10 * minuteMs }], path);
  await clock.pass(4 * hourMs);
  assert.deepEqual(
    fired.map(({ at, due }) => [at.slice(11, 16), due.slice(11, 16)]),
    [
      ['01:05', '01:00'],
      ['02:00', '02:00'],
      ['03:09', '03:00'],
      ['04:00', '04:00'],
    ],
  );
});
