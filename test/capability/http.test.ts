import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorityOf, Capabilities, type HttpTarget } from '../../host/capability/capabilities.ts';
import { grantsFrom } from '../support/grants.ts';

const some = Capabilities.of(
  grantsFrom(`
[[capabilities.http]]
host = "api.example.com"
methods = ["GET", "POST"]
path = "/v1"
[[capabilities.http]]
host = "*.example.org"
port = 8443
[[capabilities.http]]
scheme = "http"
host = "::1"
path = "/in/"
[[capabilities.http]]
host = "192.0.2.1"
`),
  'agent.toml',
);

function may(over: Partial<HttpTarget>): boolean {
  return some.mayConnect({
    scheme: 'https',
    host: 'api.example.com',
    port: 443,
    method: 'GET',
    path: '/v1/x',
    ...over,
  });
}

test('scheme, host, port, method and path have to be granted together', () => {
  assert.ok(may({}));
  assert.ok(may({ method: 'POST', path: '/v1?q=../..' }));
  const others: readonly Partial<HttpTarget>[] = [
    { scheme: 'http' },
    { scheme: 'ftp' },
    { host: 'api.example.net' },
    { port: 8443 },
    { port: 80 },
    { method: 'DELETE' },
    { method: 'get' },
    { path: '/v2' },
    { path: '/' },
    { path: '/v10' },
    { path: '/v1x/y' },
  ];
  for (const other of others) assert.ok(!may(other), JSON.stringify(other));
});

test('a prefix that ends in a slash is only what is below', () => {
  const inner = { scheme: 'http', host: '::1', port: 80 };
  assert.deepEqual(
    ['/in/a', '/in/', '/in', '/inn'].map((path) => may({ ...inner, path })),
    [true, true, false, false],
  );
});

test('a wildcard is every name below, not the name itself and nothing beside it', () => {
  const wild = { port: 8443 };
  for (const host of ['a.example.org', 'a.b.example.org', 'A.EXAMPLE.ORG', 'a.example.org.'])
    assert.ok(may({ ...wild, host }), host);
  for (const host of [
    'example.org',
    'aexample.org',
    '.example.org',
    'a..example.org',
    'a.example.org.evil.net',
    '*.example.org',
    'a.example.org..',
  ])
    assert.ok(!may({ ...wild, host }), host);
});

test('an address has one form, whoever writes it how', () => {
  const inner = { scheme: 'http', port: 80, path: '/in/a' };
  for (const host of ['::1', '[::1]', '0:0:0:0:0:0:0:1', '0000::0001'])
    assert.ok(may({ ...inner, host }), host);
  for (const host of ['::1%lo', '[::1', '::ffff:0.0.0.1', '127.0.0.1', '[::1]:80'])
    assert.ok(!may({ ...inner, host }), host);
  assert.ok(may({ host: '192.0.2.1' }));
  for (const host of [
    '192.0.513',
    '0xc0000201',
    '3221225985',
    '0300.0.2.1',
    '192.0.2.01',
    '::ffff:192.0.2.1',
  ])
    assert.ok(!may({ host }), host);
});

test('nothing is smuggled in by the host', () => {
  for (const host of [
    'user@api.example.com',
    'api.example.com@evil.net',
    'api.example.com:443',
    'api.example.com/v1',
    'api.example.com\\.evil.net',
    'api.example.com\0.evil.net',
    'api.example.com#',
    ' api.example.com',
    'api.example.com\n',
    'аpi.example.com',
    'api。example.com',
    '',
    '.',
    'a'.repeat(10_000_000),
  ])
    assert.ok(!may({ host }), host.slice(0, 40));
});

test('nothing climbs out of a granted path, however it is written', () => {
  for (const path of [
    '/v1/../admin',
    '/v1/..',
    '/v1/.',
    '/v1/./x',
    '/v1/%2e%2e/admin',
    '/v1/%2E./admin',
    '/v1/.%2e/admin',
    '/v1/..%2fadmin',
    '/v1/..%5cadmin',
    '/v1/..\\admin',
    '/v1\\..\\admin',
    '/v1/%252e%252e/admin',
    '/v1/%25252e%25252e/admin',
    '/v1/%252e%252e%25zz/admin',
    '/v1/%%32e%%32e/admin',
    '/v1/%25%2532e/admin',
    '/v1/..;/admin',
    '/v1/..;a=b/admin',
    '/v1/%c0%ae%c0%ae/admin',
    '/v1/%EF%BC%8E%EF%BC%8E/admin',
    '/v1/%E2%80%A5/admin',
    '/v1/..%00/admin',
    '/v1/..%20/admin',
    '/v1/..%0d%0a/x',
  ])
    assert.ok(!may({ path }), path);
});

test('a path that is not one way to write one thing is refused', () => {
  for (const path of [
    '',
    'v1/x',
    '*',
    '//v1/x',
    '/v1/x y',
    '/v1/x\r\nHost: evil',
    '/v1/x#y',
    '/v1/%zz',
    '/v1/%',
    '/v1/%00',
    '/v1/ü',
    'https://api.example.com/v1',
    '/v1/?x y',
    '/v1/?x\r\ny',
    '/%761/x',
    '/V1/x',
    `/v1/${'a'.repeat(10_000)}`,
  ])
    assert.ok(!may({ path }), path.slice(0, 40));
  for (const path of [
    '/v1/a%20b',
    '/v1/100%25',
    '/v1/a%2Fb',
    '/v1/a.b..c/...',
    '/v1/~a:b@c;d=e,f',
    '/v1//x',
    '/v1/%C3%BC',
  ])
    assert.ok(may({ path }), path);
});

test('a method is a word, and a tunnel is granted only by its name', () => {
  const wild = { port: 8443, host: 'a.example.org' };
  assert.deepEqual(
    ['PATCH', 'CONNECT', 'connect', 'GET\r\nX: y', '', 'G ET'].map((method) => may({ ...wild, method })),
    [true, false, false, false, false, false],
  );
});

test('an authority is a host and maybe a port', () => {
  assert.deepEqual(authorityOf('Example.com', 'https'), { host: 'example.com', port: 443 });
  assert.deepEqual(authorityOf('example.com:8080', 'http'), { host: 'example.com', port: 8080 });
  assert.deepEqual(authorityOf('[::1]', 'HTTP'), { host: '::1', port: 80 });
  for (const text of [
    'u@example.com',
    'u:p@example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    '::1',
    'a/b',
    '',
    'a:1:2',
  ])
    assert.equal(authorityOf(text, 'https'), undefined, text);
});

test('where every path is granted, none is that some would take for another host', () => {
  const wild = { port: 8443, host: 'a.example.org' };
  assert.deepEqual(
    ['/x', '//evil.example/x', '/\\evil.example', '/..//evil.example', '/%2e%2e/x'].map((path) =>
      may({ ...wild, path }),
    ),
    [true, false, false, false, false],
  );
});
