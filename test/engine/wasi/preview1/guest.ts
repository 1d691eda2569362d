import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock, systemRandom } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import type { InputSource, OutputSink, Preopen } from '../../../../host/engine/wasi/grants.ts';
import { preview1, preview1Functions } from '../../../../host/engine/wasi/preview1/preview1.ts';
import { defaultLimits, type Limits } from '../../../../host/limits.ts';
import { wat } from '../../../support/wat.ts';

/** Every function of wasi_snapshot_preview1 by its wasm parameters: i = i32, l = i64. All but `proc_exit` return an errno. */
export const signatures: Readonly<Record<string, string>> = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'ili',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'illi',
  fd_allocate: 'ill',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'ill',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'il',
  fd_filestat_set_times: 'illi',
  fd_pread: 'iiili',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiili',
  fd_read: 'iiii',
  fd_readdir: 'iiili',
  fd_renumber: 'ii',
  fd_seek: 'ilii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiilli',
  path_link: 'iiiiiii',
  path_open: 'iiiiillii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
};

/** A guest that does nothing but pass calls on: one export per function, and its memory. */
export async function proxyModule(snapshot: string): Promise<WebAssembly.Module> {
  const lines = Object.entries(signatures).map(([name, params], index) => {
    const types = [...params].map((param) => (param === 'i' ? 'i32' : 'i64'));
    const type = `${types.map((each) => `(param ${each})`).join(' ')} ${name === 'proc_exit' ? '' : '(result i32)'}`;
    const gets = types.map((_, at) => `local.get ${at}`).join(' ');
    return {
      imported: `(import "${snapshot}" "${name}" (func $i${index} ${type}))`,
      exported: `(func (export "${name}") ${type} ${gets} call $i${index})`,
    };
  });
  const text = `(module ${lines.map(({ imported }) => imported).join('\n')}
    (memory (export "memory") 4) ${lines.map(({ exported }) => exported).join('\n')})`;
  return new WebAssembly.Module(await wat(text));
}

assert.deepEqual([...preview1Functions].toSorted(), Object.keys(signatures).toSorted());
const modules: Readonly<Record<'wasi_snapshot_preview1' | 'wasi_unstable', WebAssembly.Module>> = {
  wasi_snapshot_preview1: await proxyModule('wasi_snapshot_preview1'),
  wasi_unstable: await proxyModule('wasi_unstable'),
};

export interface GuestOptions {
  readonly args?: readonly string[];
  readonly env?: readonly (readonly [string, string])[];
  readonly stdin?: InputSource;
  readonly stdout?: OutputSink;
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
  readonly mode?: Preopen['mode'];
  readonly snapshot?: keyof typeof modules;
}

/** Where tests put things in the guest's memory. */
export const at = { path: 1024, path2: 2048, vectors: 4096, data: 8192, out: 32768, out2: 32800, big: 65536 };

/** A guest with one preopened directory (fd 3, `/`), driven call by call. */
export class Guest {
  readonly folder: string;
  readonly budget: Budget;
  readonly printed: { stdout: string; stderr: string; both: string };
  readonly memory: WebAssembly.Memory;
  readonly dispose: () => Promise<void>;
  readonly #exports: WebAssembly.Instance['exports'];

  constructor(
    folder: string,
    budget: Budget,
    printed: Guest['printed'],
    instance: WebAssembly.Instance,
    dispose: () => Promise<void>,
  ) {
    this.folder = folder;
    this.budget = budget;
    this.printed = printed;
    this.#exports = instance.exports;
    assert.ok(instance.exports.memory instanceof WebAssembly.Memory);
    this.memory = instance.exports.memory;
    this.dispose = dispose;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Calls a function the way a guest does: suspendable. */
  async call(name: string, ...args: readonly (number | bigint)[]): Promise<number> {
    const run = this.#exports[name];
    assert.ok(typeof run === 'function', name);
    return WebAssembly.promising(run as WebAssembly.ExportedFunction)(...args);
  }

  /** Calls without a stack that can be suspended, as a table callback from JavaScript would. */
  callPlain(name: string, ...args: readonly (number | bigint)[]): number {
    const run = this.#exports[name] as WebAssembly.ExportedFunction;
    return run(...args) as number;
  }

  /** Writes text and says its pointer and length. */
  text(text: string, pointer: number = at.path): [number, number] {
    const bytes = new TextEncoder().encode(text);
    this.bytes.set(bytes, pointer);
    return [pointer, bytes.length];
  }

  read(pointer: number, length: number): string {
    return new TextDecoder().decode(this.bytes.slice(pointer, pointer + length));
  }

  /** An iovec array of `[pointer, length]`s and its count. */
  vectors(...vectors: readonly (readonly [number, number])[]): [number, number] {
    for (const [index, [pointer, length]] of vectors.entries()) {
      this.view.setUint32(at.vectors + index * 8, pointer, true);
      this.view.setUint32(at.vectors + index * 8 + 4, length, true);
    }
    return [at.vectors, vectors.length];
  }

  u32(pointer: number): number {
    return this.view.getUint32(pointer, true);
  }

  u64(pointer: number): bigint {
    return this.view.getBigUint64(pointer, true);
  }

  /** Opens a path below fd 3 and gives its number; fails the test on an errno. */
  async open(
    path: string,
    options: { oflags?: number; rights?: bigint; fdflags?: number; dir?: number } = {},
  ): Promise<number> {
    const rights = options.rights ?? allRights;
    const { oflags = 0, fdflags = 0, dir = 3 } = options;
    const number = await this.call(
      'path_open',
      dir,
      1,
      ...this.text(path),
      oflags,
      rights,
      rights,
      fdflags,
      at.out,
    );
    assert.equal(number, 0, `path_open ${path}`);
    return this.u32(at.out);
  }

  /** Writes text to a descriptor, from as many vectors as there are strings. */
  async write(fd: number, ...texts: readonly string[]): Promise<number> {
    let pointer = at.data;
    const vectors = texts.map((text) => {
      const placed = this.text(text, pointer);
      pointer += placed[1];
      return placed;
    });
    return this.call('fd_write', fd, ...this.vectors(...vectors), at.out);
  }
}

export const allRights: bigint = (1n << 30n) - 1n;
/** All but those that mean writing. */
export const readRights: bigint = allRights & ~((1n << 6n) | (1n << 8n) | (1n << 22n));

const noInput: InputSource = { isTerminal: false, read: async () => undefined };

export async function guest(context: TestContext, options: GuestOptions = {}): Promise<Guest> {
  const outer = mkdtempSync(join(tmpdir(), 'motehost-preview1-'));
  const folder = join(outer, 'root');
  mkdirSync(folder);
  const clock = options.clock ?? systemClock;
  const budget = new Budget({ limits: { ...defaultLimits, ...options.limits }, clock });
  const printed = { stdout: '', stderr: '', both: '' };
  const sink = (name: 'stdout' | 'stderr'): OutputSink => ({
    isTerminal: false,
    write: async (bytes) => {
      printed[name] += Buffer.from(bytes).toString();
      printed.both += Buffer.from(bytes).toString();
    },
  });
  const wasi = preview1(
    {
      args: options.args ?? ['program'],
      env: options.env ?? [],
      stdin: options.stdin ?? noInput,
      stdout: options.stdout ?? sink('stdout'),
      stderr: sink('stderr'),
      preopens: [{ hostPath: folder, guestPath: '/', mode: options.mode ?? 'read-write' }],
      net: [],
      clock,
      random: systemRandom,
    },
    budget,
  );
  await wasi.ready();
  const snapshot = options.snapshot ?? 'wasi_snapshot_preview1';
  let memory: WebAssembly.Memory | undefined;
  const imports = wasi.imports(() => {
    assert.ok(memory !== undefined);
    return memory;
  }, snapshot);
  const instance = new WebAssembly.Instance(modules[snapshot], { [snapshot]: imports });
  const made = new Guest(folder, budget, printed, instance, () => wasi.dispose());
  memory = made.memory;
  context.after(async () => {
    await wasi.dispose();
    rmSync(outer, { recursive: true, force: true });
  });
  return made;
}
