import type { StopReason } from '../../agent/agent.ts';
import { HostError } from '../../errors.ts';
import type { Child, Exit } from '../../supervisor/child.ts';
import type { AgentThreadHandle } from '../thread/threads.ts';

/** An agent as a supervisor's child: its instance, from one start to the next. */
export class AgentChild implements Child {
  readonly #place: () => Promise<AgentThreadHandle>;
  readonly #id: number;
  readonly #end = Promise.withResolvers<Exit>();

  readonly #reason: () => StopReason;

  /** `place`: the thread it is on now. */
  constructor(place: () => Promise<AgentThreadHandle>, id: number, reason: () => StopReason) {
    this.#reason = reason;
    this.#place = place;
    this.#id = id;
  }

  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  /** @throws HostError `HOST_ERR_AGENT_STOPPED` when the agent does not begin */
  async begin(): Promise<void> {
    const why = await (await this.#place()).call('begin', this.#id);
    if (why !== undefined) throw new HostError('HOST_ERR_AGENT_STOPPED', why);
  }

  /** What its thread says of it. */
  end(exit: Exit): void {
    this.#end.resolve(exit);
  }

  stop(): void {
    const asked = { id: this.#id, reason: this.#reason() };
    this.#endAfter(this.#place().then((handle) => handle.call('rest', asked)));
  }

  kill(): void {
    const asked = { id: this.#id, why: 'its supervisor ended it' };
    this.#endAfter(this.#place().then((handle) => handle.call('quell', asked)));
  }

  /** A thread that is lost meanwhile has no instance of it either. */
  #endAfter(done: Promise<void>): void {
    const end = (): void => this.end({ kind: 'shutdown' });
    done.then(end, end);
  }
}
