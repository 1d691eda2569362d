import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Stopped } from '../../../../host/engine/budget.ts';
import { WitError } from '../../../../host/engine/linker.ts';
import { Trap } from '../../../../host/engine/trap.ts';
import { type Scene, scene } from './grants.ts';

type Call = (...args: unknown[]) => unknown;
const openFilesMax = 20;
const callsPerSeed = 400;

const server = createServer((incoming, outgoing) => incoming.on('error', () => {}).pipe(outgoing));
let folder = '';
let port = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'motehost-any-order-'));
  await writeFile(join(folder, 'a'), 'content');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Reproducible choices (a linear congruential generator). */
function chooser(seed: number) {
  let state = seed;
  const below = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % n;
  };
  return { below, of: <T>(all: readonly T[]): T | undefined => all[below(all.length)] };
}

/** A guest that calls anything it holds, in any order, with arguments of the right types. */
class Monkey {
  readonly #it: Scene;
  readonly #choose: ReturnType<typeof chooser>;
  readonly #held = new Set<object>();

  constructor(it: Scene, seed: number) {
    this.#it = it;
    this.#choose = chooser(seed);
  }

  async step(): Promise<void> {
    try {
      const value = await this.#act();
      this.#keep(value);
    } catch (thrown) {
      if (thrown instanceof WitError) this.#keep(thrown.payload);
      else if (!(thrown instanceof Trap) && !(thrown instanceof Stopped)) throw thrown;
    }
  }

  #act(): unknown {
    const target = this.#choose.of([...this.#held]);
    if (target === undefined || this.#choose.below(4) === 0) return this.#make();
    if (this.#choose.below(12) === 0) return this.#drop(target);
    const prototype = Object.getPrototypeOf(target) as Record<string, Call>;
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
    const name = this.#choose.of(names);
    if (name === undefined) return undefined;
    const done = prototype[name]?.call(target, ...this.#argumentsOf(name, target));
    // What waits for more than this monkey ever does is left behind; disposing ends it.
    return done instanceof Promise
      ? Promise.race([done, new Promise((turn) => setImmediate(() => setImmediate(turn)))])
      : done;
  }

  #make(): unknown {
    const it = this.#it;
    const family = this.#choose.of(['ipv4', 'ipv6']);
    const makers: (() => unknown)[] = [
      () => it.call('wasi:cli/stdin', 'getStdin'),
      () => it.call('wasi:cli/stdout', 'getStdout'),
      () => it.call('wasi:sockets/tcp-create-socket', 'createTcpSocket', family),
      () => it.call('wasi:sockets/udp-create-socket', 'createUdpSocket', family),
      () => it.call('wasi:sockets/ip-name-lookup', 'resolveAddresses', undefined, this.#text()),
      () => it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', this.#u64()),
      () => it.call('wasi:filesystem/preopens', 'getDirectories'),
      () => this.#request(),
      () => it.call('wasi:http/outgoing-handler', 'handle', this.#given('OutgoingRequest'), undefined),
      () => it.call('wasi:http/types', 'OutgoingBody.finish', this.#given('OutgoingBody'), undefined),
      () => it.call('wasi:http/types', 'IncomingBody.finish', this.#given('IncomingBody')),
    ];
    return this.#choose.of(makers)?.();
  }

  #request(): unknown {
    const { Fields, OutgoingRequest } = this.#it.linker.get('wasi:http/types@0.2.0')?.functions ?? {};
    const made = Reflect.construct(OutgoingRequest as Call, [Reflect.construct(Fields as Call, [])]);
    made.setScheme({ tag: 'HTTP' });
    made.setAuthority(`127.0.0.1:${port}`);
    return made;
  }

  #argumentsOf(name: string, target: object): unknown[] {
    const kind = target.constructor.name;
    const flags = { symlinkFollow: this.#choose.below(2) === 0 };
    const time = { tag: 'now' };
    const bytes = new Uint8Array(this.#choose.of([0, 1, 5, 4096, 5000]) ?? 0);
    if (name === 'startBind' || name === 'startConnect') return [undefined, this.#address()];
    if (name === 'shutdown') return [this.#choose.of(['receive', 'send', 'both'])];
    if (name === 'send') return [[{ data: bytes, remoteAddress: this.#address() }]];
    if (name === 'stream') return [this.#choose.below(2) === 0 ? undefined : this.#address()];
    if (name.endsWith('plice')) return [this.#some('InputStream'), this.#u64()];
    if (name === 'openAt')
      return [flags, this.#text(), { create: this.#choose.below(2) === 0 }, { read: true, write: true }];
    if (name === 'linkAt') return [flags, this.#text(), this.#some('Descriptor'), this.#text()];
    if (name === 'renameAt') return [this.#text(), this.#some('Descriptor'), this.#text()];
    if (name === 'isSameObject') return [this.#some('Descriptor')];
    if (name === 'setTimes') return [time, time];
    if (name === 'setTimesAt') return [flags, this.#text(), time, time];
    if (name === 'statAt' || name === 'metadataHashAt') return [flags, this.#text()];
    if (name === 'write') return [bytes, this.#u64()];
    if (name === 'blockingWriteAndFlush') return [bytes];
    if (name === 'setMethod' || name === 'setScheme') return [{ tag: 'other', val: this.#text() }];
    if (kind === 'Fields') return name === 'set' ? [this.#text(), [bytes]] : [this.#text(), bytes];
    if (name.endsWith('At') || name === 'setAuthority' || name === 'setPathWithQuery')
      return [this.#text(), this.#text()];
    if (/Enabled$|HopLimit$|Count$/.test(name)) return [this.#choose.below(3)];
    return [this.#u64(), this.#u64()];
  }

  #u64(): bigint {
    return this.#choose.of([0n, 1n, 7n, 4096n, 65_536n, 2n ** 32n, 2n ** 64n - 1n]) ?? 0n;
  }

  #text(): string {
    return this.#choose.of(['a', 'b', '..', '/', 'a/b', '', 'localhost', '127.0.0.1', '\0']) ?? '';
  }

  #address(): unknown {
    const v4 = {
      address: this.#choose.of([
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [9, 9, 9, 9],
      ]),
      port,
    };
    const v6 = { address: [0, 0, 0, 0, 0, 0, 0, 1], port, flowInfo: 0, scopeId: 0 };
    return this.#choose.of([
      { tag: 'ipv4', val: v4 },
      { tag: 'ipv6', val: v6 },
    ]);
  }

  /** A held resource of a class; without one the call is not made. */
  #some(kind: string): object {
    const found = this.#choose.of([...this.#held].filter((each) => each.constructor.name === kind));
    if (found === undefined) throw new WitError('nothing to call it with');
    return found;
  }

  #given(kind: string): object {
    const found = this.#some(kind);
    this.#held.delete(found);
    return found;
  }

  #drop(target: object): void {
    this.#held.delete(target);
    (target as Disposable)[Symbol.dispose]();
  }

  #keep(value: unknown): void {
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return;
    if (Symbol.dispose in value) this.#held.add(value);
    else for (const part of Object.values(value)) this.#keep(part);
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
  test(`calls in any order are answered as WIT says and leave nothing open (${seed})`, async () => {
    const net = [
      { host: '127.0.0.1', port: undefined },
      { host: 'localhost', port: undefined },
    ];
    const preopens = [{ hostPath: folder, guestPath: '/', mode: 'read-write' } as const];
    const it = await scene({ net, preopens }, { openFilesMax });
    const monkey = new Monkey(it, seed);
    for (let call = 0; call < callsPerSeed; call += 1) await monkey.step();
    await it.wasi.dispose();
    // A destroyed connection says so some turns later.
    let free = 0;
    for (let turn = 0; turn < 1000 && free < openFilesMax; turn += 1) {
      for (free = 0; it.budget.openFile(); ) free += 1;
      for (let count = free; count > 0; count -= 1) it.budget.closeFile();
      if (free < openFilesMax) await new Promise((next) => setImmediate(next));
    }
    assert.equal(free, openFilesMax);
  });
