import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type BuildResult, buildAgent } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { resolveTarget } from '../../guest-sdk/build/target.ts';
import { systemClock } from '../../host/clock.ts';
import { Budget } from '../../host/engine/budget.ts';
import { decodeComponent } from '../../host/engine/component/decode.ts';
import { instantiateFast } from '../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../host/engine/fast-lane/plan.ts';
import { Linker } from '../../host/engine/linker.ts';
import { meter } from '../../host/engine/meter/meter.ts';
import { defaultLimits } from '../../host/limits.ts';

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

/** A component's `handle`, called directly. */
export interface Run {
  /** The answer's bytes, undefined for none, or the failure the agent returned. */
  handle(message: MessageValue): Promise<unknown>;
}

/** Builds one of the test agents in `agents/`. */
export async function buildTestAgent(
  name: string,
  options: {
    readonly release?: boolean;
    readonly countBlocks?: boolean;
    readonly world?: string;
  } = {},
): Promise<BuildResult> {
  const folder = resolve(import.meta.dirname, 'agents', name);
  const { release = true, countBlocks = false, world = 'handler' } = options;
  const target = await resolveTarget(folder, world);
  return buildAgent({ folder, entry: 'assembly/index.ts', target, release, countBlocks });
}

/** Instantiates a component through jco's transpiler: a canonical ABI that is not ours. */
export async function instantiateByJco(component: Uint8Array, offered: Imports): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-component-'));
  try {
    const { files } = await transpileBytes(component, { name: 'agent', instantiation: 'async' });
    const modules = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
      if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(new Uint8Array(bytes)));
    }
    const agent = await import(pathToFileURL(join(folder, 'agent.js')).href);
    const root = await agent.instantiate((name: string) => modules.get(name), offered);
    return {
      handle: async (message) => {
        try {
          return root.handle(message);
        } catch (thrown) {
          if (typeof thrown === 'object' && thrown !== null && 'tag' in thrown) return thrown;
          throw thrown;
        }
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Instantiates a component on our own lane, metered as `host run` does. */
export async function instantiateOnFastLane(component: Uint8Array, offered: Imports): Promise<Run> {
  const plan = planFastLane(decodeComponent(component));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  const core = component.slice(plan.module.offset, plan.module.offset + plan.module.length);
  const metered = meter(core, { fuelCell: 'own', importCharges: plan.importCharges }).bytes;
  const linker = new Linker();
  for (const [name, functions] of Object.entries(offered))
    linker.define(`${name}@${name.startsWith('wasi:') ? '0.2.6' : '0.1.0'}`, {
      functions,
      suspending: new Set(),
    });
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const instance = await instantiateFast(plan, new WebAssembly.Module(metered), linker, budget);
  return {
    handle: async (message) => ((await instance.call('handle', [message])) as { readonly val: unknown }).val,
  };
}

/** The interfaces a component imports, with versions, and nothing else of its world. */
export async function importsOf(component: Uint8Array): Promise<string[]> {
  return [...(await componentWit(component)).matchAll(/^ {2}import (\S+);/gm)].map(([, name = '']) => name);
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
