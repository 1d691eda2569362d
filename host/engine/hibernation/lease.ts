import { HostError } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import type { FastInstance } from '../fast-lane/fast-lane.ts';
import type { AsyncCalls, CallWaiter, Instance } from '../instance.ts';

/** Takes back what was leased. */
export interface Lessor {
  recycle(instance: FastInstance): void;
}

/**
 * One agent's hold on an instance that others had and will have. When it has ended, nothing reaches the
 * instance through it any more, whoever kept it.
 */
export class Lease implements Instance {
  readonly budget: Budget;
  readonly #lessor: Lessor;
  #instance: FastInstance | undefined;

  constructor(instance: FastInstance, lessor: Lessor) {
    this.budget = instance.budget;
    this.#instance = instance;
    this.#lessor = lessor;
  }

  /** @throws HostError `HOST_ERR_INSTANCE_CLOSED` when it has ended */
  get instance(): FastInstance {
    if (this.#instance === undefined) throw ended();
    return this.#instance;
  }

  get asyncCalls(): AsyncCalls | undefined {
    return this.#instance?.asyncCalls;
  }

  has(name: string): boolean {
    return this.#instance?.has(name) === true;
  }

  call(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.#instance === undefined ? Promise.reject(ended()) : this.#instance.call(name, args);
  }

  begin(name: string, argument: unknown, waiter: CallWaiter): void {
    if (this.#instance === undefined) Promise.reject(ended()).catch(waiter.threw);
    else this.#instance.begin(name, argument, waiter);
  }

  /** See `FastInstance.callSync`. */
  callSync(name: string, args: readonly unknown[]): unknown {
    return this.instance.callSync(name, args);
  }

  /** Gives the instance up without giving it back; undefined when it has ended before. */
  end(): FastInstance | undefined {
    const instance = this.#instance;
    this.#instance = undefined;
    return instance;
  }

  /** The agent's life is over, in good order or not: a sound instance is used again, any other dropped. */
  dispose(): void {
    const instance = this.end();
    if (instance !== undefined) this.#lessor.recycle(instance);
  }
}

function ended(): HostError {
  return new HostError('HOST_ERR_INSTANCE_CLOSED', 'the instance has ended; make a new one');
}
