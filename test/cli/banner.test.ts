import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentFiles } from '../../host/cli/serve/agent-files.ts';
import { bannerText } from '../../host/cli/serve/banner.ts';
import { stateFolderOf } from '../../host/cli/serve/state-folder.ts';
import { parseManifest } from '../../host/manifest.ts';

function agent(name: string, more = ''): AgentFiles {
  const text = `name = "${name}"\nworld = "handler"\n${more}`;
  const manifest = parseManifest(text, `${name}/agent.toml`);
  return { path: name, manifestPath: `${name}/agent.toml`, manifest, text, component: new Uint8Array() };
}

const listening = {
  url: 'http://127.0.0.1:8080',
  port: 8080,
  authOff: true,
  needsToken: false,
  close: async () => {},
};

function banner(agents: readonly AgentFiles[]): string {
  return bannerText({
    agents,
    listening,
    threads: 1,
    stateFolder: '/state',
    isWatching: true,
    auditLevel: 'security',
  });
}

test('the one to call is where messages come in: nobody sends to it, it listens to nothing, it has no route', () => {
  const agents = [
    agent('a-site', '[http]\nroute = "/shop"\n'),
    agent('b-listens', '[subscriptions]\n"orders.>" = {}\n'),
    agent('c-inner'),
    agent('d-entry', '[capabilities.bus]\nsend = ["agent.c-inner"]\n'),
  ];
  assert.match(banner(agents), /call +(?:npx )?host invoke d-entry --input hello\n/);
  assert.match(banner(agents), /open +http:\/\/127\.0\.0\.1:8080\/shop\n/);
  assert.match(banner(agents.slice(0, 3)), /host invoke c-inner /);
  assert.match(banner(agents.slice(0, 2)), /host invoke b-listens /);
  assert.doesNotMatch(banner(agents.slice(0, 1)), /host invoke /);
});

test('the state folder is the flag, else the variable, else .motehost here', () => {
  assert.equal(stateFolderOf('/flag', { HOST_STATE: '/env' }), '/flag');
  assert.equal(stateFolderOf(undefined, { HOST_STATE: '/env' }), '/env');
  assert.match(stateFolderOf(undefined, {}), /\/\.motehost$/);
});
