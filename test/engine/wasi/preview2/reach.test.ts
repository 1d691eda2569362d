import assert from 'node:assert/strict';
import { promises as dns } from 'node:dns';
import { mock, test } from 'node:test';
import { type IpAddress, ipText, isInward, parseIp } from '../../../../host/engine/wasi/preview2/ip.ts';
import { hostName, Reach } from '../../../../host/engine/wasi/preview2/reach.ts';

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** What the DNS answers meanwhile. */
function answering(...addresses: string[]): Disposable {
  const answer = async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const mocked = mock.method(dns, 'lookup', answer);
  return { [Symbol.dispose]: () => mocked.mock.restore() };
}

test('addresses are read in every usual spelling and written in one', () => {
  assert.equal(ipText(ip('192.0.2.1')), '192.0.2.1');
  for (const text of ['::1', '[::1]', '0:0:0:0:0:0:0:1', '::0001'])
    assert.equal(ipText(ip(text)), '0:0:0:0:0:0:0:1');
  assert.equal(ipText(ip('2001:DB8::a:1')), '2001:db8:0:0:0:0:a:1');
  assert.equal(ipText(ip('::ffff:127.0.0.1')), '0:0:0:0:0:ffff:7f00:1');
  for (const text of [
    '',
    '1.2.3',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4.5',
    '0x7f.1',
    'localhost',
    '::g',
    '1::2::3',
    'fe80::1%eth0',
  ])
    assert.equal(parseIp(text), undefined, text);
});

test('addresses of this machine and this wire are told from others', () => {
  for (const text of [
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
  ])
    assert.equal(isInward(ip(text)), true, text);
  for (const text of ['192.0.2.1', '10.0.0.1', '192.168.1.1', '2001:db8::1', '::ffff:192.0.2.1'])
    assert.equal(isInward(ip(text)), false, text);
});

test('a name in the public DNS that points inward reaches nothing', async () => {
  const reach = new Reach([{ host: 'rebind.example.org', port: 80 }]);
  using _inward = answering('127.0.0.1', '169.254.169.254', '::1');
  await assert.rejects(reach.resolve('rebind.example.org'), { code: 'ENOTFOUND' });
  assert.equal(reach.mayConnect(ip('127.0.0.1'), 80), false);
});

test('a name opens the addresses it had when it was looked up, for its port', async () => {
  const reach = new Reach([{ host: 'Example.ORG', port: 443 }]);
  assert.equal(reach.mayConnect(ip('192.0.2.7'), 443), false);
  using _answer = answering('192.0.2.7', '127.0.0.1');
  assert.deepEqual((await reach.resolve('example.org')).map(ipText), ['192.0.2.7']);
  assert.equal(reach.mayConnect(ip('192.0.2.7'), 443), true);
  assert.equal(reach.mayConnect(ip('192.0.2.7'), 80), false);
  assert.equal(reach.mayConnect(ip('192.0.2.8'), 443), false);
  assert.equal(reach.mayBind(ip('192.0.2.7'), 443), false, 'a name is no right to listen');
});

test('what is refused is told to people with the flag that would allow it', () => {
  const told: string[] = [];
  const reach = new Reach([{ host: '192.0.2.7', port: 443 }], (what, cure) => told.push(`${what}; ${cure}`));
  assert.equal(reach.mayConnect(ip('192.0.2.7'), 443), true);
  reach.mayConnect(ip('192.0.2.7'), 80);
  reach.mayBind(ip('::1'), 8080);
  reach.mayRequest('example.org', 443);
  reach.mayResolve('example.org');
  assert.deepEqual(told, [
    'connecting to 192.0.2.7:80; allow it with --net 192.0.2.7:80',
    'listening at [0:0:0:0:0:0:0:1]:8080; allow it with --net [0:0:0:0:0:0:0:1]:8080',
    'a request to example.org:443; allow it with --net example.org:443',
    'looking up example.org; allow it with --net example.org:*',
  ]);
});

test('where there are no flags, people are told what there is instead', () => {
  const told: string[] = [];
  const reach = new Reach(
    [],
    (_what, cure) => told.push(cure),
    undefined,
    (place) => `a line for ${place}`,
  );
  reach.mayConnect(ip('::1'), 80);
  reach.mayResolve('example.org');
  assert.deepEqual(told, ['a line for [0:0:0:0:0:0:0:1]:80', 'a line for example.org:*']);
});

test('only so many look-ups run at once', async () => {
  const { promise, resolve } = Promise.withResolvers<never[]>();
  const mocked = mock.method(dns, 'lookup', () => promise);
  const reach = new Reach([{ host: 'example.org', port: undefined }]);
  const running = Array.from({ length: 8 }, () => reach.resolve('example.org'));
  await assert.rejects(reach.resolve('example.org'), { code: 'EAI_AGAIN' });
  resolve([]);
  assert.ok((await Promise.allSettled(running)).every(({ status }) => status === 'rejected'));
  mocked.mock.restore();
});

test('host names are compared in one form', () => {
  assert.equal(hostName('EXAMPLE.org.'), 'example.org');
  assert.equal(hostName('bücher.example'), 'xn--bcher-kva.example');
  for (const text of [
    '',
    '.',
    'a..b',
    'a b',
    'a/b',
    'a\tb',
    'a:1',
    `${'a'.repeat(64)}.org`,
    'x.'.repeat(200),
  ])
    assert.equal(hostName(text), undefined, text);
});
