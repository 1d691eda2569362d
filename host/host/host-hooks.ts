import type { Bus } from '../bus/bus.ts';
import type { HookName } from '../manifest.ts';

/** What a hook of the host's own code is told. */
export interface HookEvent {
  readonly hook: HookName;
  readonly agent: string;
  readonly atMs: number;
  /** Why, where there is a reason: what failed, who paused it. */
  readonly why: string | undefined;
}

/** Code of whoever embeds the host, called at moments in the lives of its agents; what it throws harms nobody. */
export type HostHooks = { readonly [name in HookName]?: (event: HookEvent) => void | Promise<void> };

export interface HostHooksRooms {
  readonly bus: Bus;
  readonly say: (text: string, agent: string) => void;
}

/** Hooks that are waited for at once; beyond, moments are passed over, and that is told. */
const pendingMax = 1_000;

const hookOfEvent: Readonly<Record<string, HookName>> = {
  started: 'start',
  ended: 'stop',
  failed: 'error',
  refused: 'error',
  paused: 'pause',
  resumed: 'resume',
};

/** Calls the host's own hooks, out of the events of all threads. */
export class HookCalls {
  readonly #hooks: HostHooks;
  readonly #rooms: HostHooksRooms;
  readonly #end: () => void;
  #pending = 0;
  #passedOver = 0;

  constructor(hooks: HostHooks, rooms: HostHooksRooms) {
    this.#hooks = hooks;
    this.#rooms = rooms;
    const isListening = Object.values(hooks).some((hook) => hook !== undefined);
    this.#end = isListening
      ? rooms.bus.listen('host.agent.*.*', undefined, ({ subject, body }) => this.#hear(subject, body))
      : () => {};
  }

  close(): void {
    this.#end();
  }

  #hear(subject: string, body: Uint8Array): void {
    const event = subject.slice(subject.lastIndexOf('.') + 1);
    if (event === 'state' && this.#hooks.message === undefined) return;
    const told = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>;
    const hook = event === 'state' ? messageHook(told) : hookOfEvent[event];
    if (hook === undefined || this.#hooks[hook] === undefined) return;
    const why = told.why ?? told.error;
    void this.#call({
      hook,
      agent: String(told.agent),
      atMs: Number(told.atMs),
      why: typeof why === 'string' ? why : undefined,
    });
  }

  async #call(event: HookEvent): Promise<void> {
    if (this.#pending >= pendingMax) {
      this.#passedOver += 1;
      return;
    }
    this.#pending += 1;
    try {
      await this.#hooks[event.hook]?.(event);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#rooms.say(`the host's hook ${event.hook} failed: ${why}`, event.agent);
    }
    this.#pending -= 1;
    if (this.#passedOver === 0 || this.#pending > pendingMax / 2) return;
    this.#rooms.say(
      `${this.#passedOver} moments were passed over: hooks of the host take too long`,
      event.agent,
    );
    this.#passedOver = 0;
  }
}

/** It takes a message, and not the next part of one. */
function messageHook({ from, to }: Readonly<Record<string, unknown>>): HookName | undefined {
  return from === 'ready' && to === 'running' ? 'message' : undefined;
}
