import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writtenAgent } from '../test/support/written-agent.ts';
import { requirePeer } from './corpus.ts';

/** A server in a process of its own that gives back what is posted to `url`. */
export interface EchoServer {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

const startMsMax = 30_000;
const lookEveryMs = 20;

/** `host serve` with one agent, and as many threads as it takes by default unless said otherwise. */
export async function hostServer(name: string, threads?: number): Promise<EchoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  const agent = join(folder, 'echo');
  mkdirSync(agent);
  const source = readFileSync(join(import.meta.dirname, 'talkers', 'assembly', 'listener.ts'), 'utf8');
  writeFileSync(join(agent, 'echo.wasm'), (await writtenAgent(source, { release: true })).bytes);
  writeFileSync(join(agent, 'agent.toml'), 'name = "echo"\ncomponent = "echo.wasm"\nworld = "handler"\n');
  const port = await freePort();
  const main = join(import.meta.dirname, '..', 'host', 'cli', 'bin.js');
  const args = [main, 'serve', agent, '--listen', `127.0.0.1:${port}`, '--no-watch'];
  args.push(
    '--state',
    join(folder, 'state'),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
  );
  return started(name, process.execPath, args, port, '/v1/agents/echo/invoke', folder);
}

export async function fastifyServer(): Promise<EchoServer> {
  const port = await freePort();
  const args = [join(import.meta.dirname, 'http-echo.ts'), String(port)];
  return started('fastify, in its one thread', process.execPath, args, port, '/echo', undefined);
}

const workerdEcho = `export default { async fetch(request) {
  return new Response(await request.arrayBuffer(), { headers: { "content-type": "application/octet-stream" } });
} };
`;

export async function workerdServer(): Promise<EchoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  const port = await freePort();
  writeFileSync(join(folder, 'worker.js'), workerdEcho);
  writeFileSync(join(folder, 'config.capnp'), workerdConfigOf(port));
  const { default: binary } = requirePeer<{ readonly default: string }>('workerd');
  return started('workerd', binary, ['serve', join(folder, 'config.capnp')], port, '/echo', folder);
}

const workerdConfigOf = (port: number): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .echo) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ] );
const echo :Workerd.Worker = (
  modules = [ (name = "worker.js", esModule = embed "worker.js") ],
  compatibilityDate = "2026-01-01" );
`;

async function started(
  name: string,
  program: string,
  args: readonly string[],
  port: number,
  path: string,
  folder: string | undefined,
): Promise<EchoServer> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const complaints = new Complaints(child);
  const stop = async (): Promise<void> => {
    await end(child);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilItListens(name, child, port);
  } catch (thrown) {
    await stop();
    throw new Error(`${name} does not start:\n${complaints.text}`, { cause: thrown });
  }
  return { name, pid: child.pid ?? 0, url: `http://127.0.0.1:${port}${path}`, stop };
}

const complaintCharsMax = 4096;

/** The end of what a process wrote to stderr. */
class Complaints {
  text = '';

  constructor(child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.text = (this.text + text).slice(-complaintCharsMax);
    });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function untilItListens(name: string, child: ChildProcess, port: number): Promise<void> {
  const giveUpAtMs = performance.now() + startMsMax;
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    if (performance.now() > giveUpAtMs) throw new Error(`${name} does not listen after ${startMsMax} ms`);
    await delay(lookEveryMs);
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
