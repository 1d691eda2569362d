import type { Clock } from '../clock.ts';
import { Budget } from '../engine/budget.ts';
import type { Launched } from '../engine/engine.ts';
import type { Instance } from '../engine/instance.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { admitValue, type Invoked, judge, supervise } from './invoke.ts';

/** An instance that stays for more than one message. */
export interface LiveOptions {
  /**
   * Fuel, deadline and output are limits of each message; memory, tables and open files, which stay with the
   * instance, of all its life.
   */
  readonly limits: Limits;
  readonly clock: Clock;
  readonly launch: (budget: Budget) => Promise<LaunchedLog>;
  /** Called once before any message; a `result`. */
  readonly start: (instance: Instance) => Promise<unknown>;
}

/** A live run whose log can be waited for without ending it. */
export interface LaunchedLog extends Launched {
  flush(): Promise<void>;
}

/**
 * One agent's instance between its start and its end. It does one message at a time; after a trap, a limit or a
 * cancellation it is closed, as its memory may be in any state.
 */
export class LiveInstance {
  readonly #budget: Budget;
  #launched: LaunchedLog | undefined;
  #state: 'ready' | 'busy' | 'closed' = 'busy';

  private constructor(budget: Budget) {
    this.#budget = budget;
  }

  /**
   * Launches and starts an instance; unless the outcome is `ok`, it is closed already.
   * @throws HostError for what was not the guest's doing
   */
  static async open(
    { limits, clock, launch, start }: LiveOptions,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly live: LiveInstance; readonly started: Invoked }> {
    const budget = new Budget({ limits, clock });
    const live = new LiveInstance(budget);
    const begin = async (): Promise<unknown> => {
      live.#launched = await launch(budget);
      return start(live.#launched.instance);
    };
    const started = await live.#turn(begin, signal);
    if (started.outcome.kind === 'error') await live.#end();
    return { live, started };
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /**
   * One call into the instance, with fuel, time and output of its own.
   * @throws HostError `HOST_ERR_INSTANCE_BUSY` during another, `HOST_ERR_INSTANCE_CLOSED` after the end
   */
  call(act: (instance: Instance) => Promise<unknown>, signal: AbortSignal | undefined): Promise<Invoked> {
    const { instance } = this.#take();
    this.#budget.restart();
    return this.#turn(() => act(instance), signal);
  }

  /** Ends the instance in good order: `stop` is the last call into it. @throws HostError as `call` */
  async close(stop: (instance: Instance) => Promise<unknown>): Promise<Invoked> {
    const invoked = await this.call(stop, undefined);
    if (this.isOpen) await this.#end();
    return invoked;
  }

  #take(): LaunchedLog {
    if (this.#state === 'closed' || this.#launched === undefined)
      throw new HostError('HOST_ERR_INSTANCE_CLOSED', 'the instance ended; open another');
    if (this.#state === 'busy')
      throw new HostError('HOST_ERR_INSTANCE_BUSY', 'the instance handles another message');
    return this.#launched;
  }

  async #turn(act: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<Invoked> {
    this.#state = 'busy';
    try {
      const invoked = await supervise(this.#budget, signal, () => this.#attempt(act));
      // Also after an exit of its own, which is an outcome as good as any other and an end all the same.
      const goesOn = isInOrder(invoked.outcome) && this.#budget.cause === undefined;
      this.#state = goesOn ? 'ready' : 'closed';
      return invoked;
    } catch (thrown) {
      this.#state = 'closed';
      throw thrown;
    }
  }

  /** A guest that does not unwind is given up by `supervise`; what it holds is let go of when it does in the end. */
  async #attempt(act: () => Promise<unknown>): Promise<Outcome> {
    let goesOn = false;
    try {
      const outcome = await judge(this.#budget, true, async () => {
        const value = await act();
        admitValue(value, this.#budget);
        await this.#launched?.flush();
        return value;
      });
      goesOn = isInOrder(outcome) && this.#budget.cause === undefined;
      return outcome;
    } finally {
      if (!goesOn) await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#state = 'closed';
    const launched = this.#launched;
    this.#launched = undefined;
    launched?.instance.dispose();
    await launched?.release();
  }
}

/** The guest answered, if only that it failed. */
function isInOrder({ kind }: Outcome): boolean {
  return kind === 'ok' || kind === 'error';
}
