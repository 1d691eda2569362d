import type { Budget } from '../../host/engine/budget.ts';
import { decodeComponent } from '../../host/engine/component/decode.ts';
import type { FastInstance } from '../../host/engine/fast-lane/fast-lane.ts';
import { instantiateFast } from '../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../host/engine/fast-lane/plan.ts';
import { Linker, WitError } from '../../host/engine/linker.ts';
import { meter } from '../../host/engine/meter/meter.ts';
import { budgetOf } from '../engine/fast-lane/fast-guest.ts';
import { type Imports, messageOf } from './component-runner.ts';

/** A request that an agent made and that waits to be answered. */
interface Open {
  readonly subject: string;
  readonly timeoutMs: number;
  readonly body: string;
}

interface Payload {
  readonly contentType: string | undefined;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: Uint8Array;
}

/** \`motehost:agent/async-bus\` by hand: requests stay open until they are answered, in any order. */
export class SlowBus {
  readonly asked: Open[] = [];
  readonly givenUp: string[] = [];
  readonly #open = new Map<string, PromiseWithResolvers<Payload | undefined>>();

  readonly imports: Imports[string] = {
    request: (subject: string, payload: Payload, timeoutMs: number) => {
      this.asked.push({ subject, timeoutMs, body: textOf(payload.body) });
      if (subject === 'denied') throw new WitError({ tag: 'denied' });
      if (subject === 'echo') return payload;
      return this.#wait(subject);
    },
    waitMs: (ms: number) => this.#wait(`${ms} ms`),
  };

  #wait(name: string): unknown {
    const open = Promise.withResolvers<Payload | undefined>();
    this.#open.set(name, open);
    return Object.assign(open.promise, { cancel: () => this.givenUp.push(name) });
  }

  /** Waits until it was asked. */
  async asks(name: string): Promise<void> {
    while (!this.#open.has(name)) await turn();
  }

  answer(name: string, body = `${name}!`): void {
    this.#open
      .get(name)
      ?.resolve({ contentType: undefined, headers: [], body: new TextEncoder().encode(body) });
  }

  refuse(name: string, tag: string): void {
    this.#open.get(name)?.reject(new WitError({ tag }));
  }
}

/** An instance of an asynchronous agent on the fast lane, metered. */
export class AsyncAgent {
  readonly instance: FastInstance;

  private constructor(instance: FastInstance) {
    this.instance = instance;
  }

  static async of(
    component: Uint8Array,
    offered: Imports,
    budget: Budget = budgetOf(),
    version = '0.1.0',
  ): Promise<AsyncAgent> {
    const plan = planFastLane(decodeComponent(component));
    if ('refused' in plan) throw new Error(plan.refused);
    const core = component.slice(plan.module.offset, plan.module.offset + plan.module.length);
    const metered = meter(core, { fuelCell: 'own', importCharges: plan.importCharges }).bytes;
    const linker = new Linker();
    for (const [name, functions] of Object.entries(offered))
      linker.define(`${name}@${name.startsWith('wasi:') ? '0.2.6' : version}`, {
        functions,
        suspending: new Set(),
      });
    return new AsyncAgent(await instantiateFast(plan, new WebAssembly.Module(metered), linker, budget));
  }

  /** What \`handle\` gave: a text, undefined, or \`{tag, val}\` of a failure. */
  async handle(subject: string, body = ''): Promise<unknown> {
    const { tag, val } = (await this.instance.call('handle', [messageOf(subject, body)])) as {
      readonly tag: string;
      readonly val: unknown;
    };
    return tag === 'ok' && val instanceof Uint8Array ? textOf(val) : val;
  }
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
