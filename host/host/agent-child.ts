import type { StopReason } from '../agent/agent.ts';
import { HostError } from '../errors.ts';
import type { Child, Exit } from '../supervisor/child.ts';
import type { AgentThreadHandle } from './threads.ts';

/** An agent as a supervisor's child: its instance, from one start to the next. */
export class AgentChild implements Child {
  readonly #handle: AgentThreadHandle;
  readonly #id: number;
  readonly #end = Promise.withResolvers<Exit>();

  readonly #reason: () => StopReason;

  constructor(handle: AgentThreadHandle, id: number, reason: () => StopReason) {
    this.#reason = reason;
    this.#handle = handle;
    this.#id = id;
  }

  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  /** @throws HostError `HOST_ERR_AGENT_STOPPED` when the agent does not begin */
  async begin(): Promise<void> {
    const why = await this.#handle.call('begin', this.#id);
    if (why !== undefined) throw new HostError('HOST_ERR_AGENT_STOPPED', why);
  }

  /** What its thread says of it. */
  end(exit: Exit): void {
    this.#end.resolve(exit);
  }

  stop(): void {
    this.#endAfter(this.#handle.call('rest', { id: this.#id, reason: this.#reason() }));
  }

  kill(): void {
    this.#endAfter(this.#handle.call('quell', { id: this.#id, why: 'its supervisor ended it' }));
  }

  /** A thread that is lost meanwhile has no instance of it either. */
  #endAfter(done: Promise<void>): void {
    const end = (): void => this.end({ kind: 'shutdown' });
    done.then(end, end);
  }
}
