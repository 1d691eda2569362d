import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { type BuildResult, buildAgent } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import type { World } from '../../guest-sdk/assemblyscript/build/world.ts';

/** Host functions by interface (`motehost:agent/log`, without version), named as jco names them. */
export type Imports = Readonly<Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>>;

export interface MessageValue {
  readonly id: string;
  readonly subject: string;
  readonly sender: string | undefined;
  readonly replyTo: string | undefined;
  readonly sentAtNs: bigint;
  readonly deadlineNs: bigint | undefined;
  readonly attempt: number;
  readonly contentType: string | undefined;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: Uint8Array;
}

/** A component's `handle`, called directly. A WIT `err` is thrown as it is. */
export interface Run {
  /** Interfaces the component imports, without versions. */
  readonly imports: readonly string[];
  handle(message: MessageValue): Uint8Array | undefined;
}

/** Builds one of the test agents in `agents/`. */
export function buildTestAgent(
  name: string,
  options: {
    readonly release?: boolean;
    readonly countBlocks?: boolean;
    readonly world?: World['name'];
  } = {},
): Promise<BuildResult> {
  const folder = resolve(import.meta.dirname, 'agents', name);
  const { release = true, countBlocks = false, world = 'handler' } = options;
  return buildAgent({ folder, entry: 'assembly/index.ts', world, release, countBlocks });
}

/** Instantiates a component through jco's transpiler: a canonical ABI that is not ours. */
export async function instantiate(component: Uint8Array, offered: Imports): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-component-'));
  try {
    const { files, imports } = await transpileBytes(component, { name: 'agent', instantiation: 'async' });
    const modules = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
      if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(new Uint8Array(bytes)));
    }
    const agent = await import(pathToFileURL(join(folder, 'agent.js')).href);
    const root = await agent.instantiate((name: string) => modules.get(name), offered);
    return { imports: [...imports], handle: (message) => root.handle(message) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A message as the host would hand it over, with everything optional left out. */
export function messageOf(subject: string, body = '', more: Partial<MessageValue> = {}): MessageValue {
  return {
    id: 'm1',
    subject,
    sender: undefined,
    replyTo: undefined,
    sentAtNs: 5n,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body: new TextEncoder().encode(body),
    ...more,
  };
}
