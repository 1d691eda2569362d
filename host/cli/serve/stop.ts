import { exitCodes } from '../exit-code.ts';

const names = ['SIGINT', 'SIGTERM'] as const;

/** The wish to end: the first signal asks, the second ends the process at once. */
export class Stop {
  readonly #controller = new AbortController();
  readonly #asked: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #onSignal = (name: NodeJS.Signals): void => this.ask(name);

  constructor() {
    for (const name of names) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when somebody asked. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  ask(reason: string): void {
    if (this.signal.aborted) process.exit(exitCodes.cancelled);
    this.#controller.abort(reason);
    this.#asked.resolve();
  }

  close(): void {
    for (const name of names) process.off(name, this.#onSignal);
  }
}
