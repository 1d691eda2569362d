/** When callers of somebody who fails are turned away, and how it is tried again. */
export interface CircuitRules {
  /** Failures in a row that open it, 1 or more. */
  readonly failuresMax: number;
  /** Milliseconds for which it stays open. */
  readonly openMs: number;
  /** Calls let through at one time to try it again, 1 or more. */
  readonly probesMax: number;
  /** Of those, how many must end well, with none that does not, before it closes. */
  readonly successesMin: number;
}

export const defaultCircuitRules: CircuitRules = {
  failuresMax: 5,
  openMs: 60_000,
  probesMax: 1,
  successesMin: 1,
};

/** Everybody is let through; nobody is; a few are, to see. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** Turns callers away from somebody who keeps failing, instead of having them wait for what fails anyway. */
export class CircuitBreaker {
  readonly #rules: CircuitRules;
  readonly #nowMs: () => number;
  readonly #turned: (state: CircuitState) => void;
  #state: CircuitState = 'closed';
  #failures = 0;
  #successes = 0;
  #probes = 0;
  #untilMs = 0;
  #openedMs = 0;
  /** Times it has changed; what began before the last change says nothing of the state now. */
  #turn = 1;

  constructor(rules: CircuitRules, nowMs: () => number, turned: (state: CircuitState) => void = () => {}) {
    this.#rules = rules;
    this.#nowMs = nowMs;
    this.#turned = turned;
  }

  /** As of the last call; an open one tries again with the first that comes after its time. */
  get state(): CircuitState {
    return this.#state;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until it tries again; 0 unless it is open. */
  get leftMs(): number {
    return this.#state === 'open' ? Math.max(0, this.#untilMs - this.#nowMs()) : 0;
  }

  /** When it was closed last, on the clock it was given. */
  get openedMs(): number {
    return this.#openedMs;
  }

  get failuresMax(): number {
    return this.#rules.failuresMax;
  }

  /** Whether `admit` would give a permit. */
  get isPassable(): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'open') return this.#nowMs() >= this.#untilMs;
    return this.#probes < this.#rules.probesMax;
  }

  /** A permit for one call, which `ended` is to be told of; 0: it is turned away. */
  admit(): number {
    if (this.#state === 'closed') return this.#turn;
    if (this.#state === 'open') {
      if (this.#nowMs() < this.#untilMs) return 0;
      this.#to('half-open');
    }
    if (this.#probes >= this.#rules.probesMax) return 0;
    this.#probes += 1;
    return this.#turn;
  }

  /** A call that was let through ended: well, not well, or (undefined) in a way that says nothing of whom it asked. */
  ended(permit: number, isWell: boolean | undefined): void {
    if (permit !== this.#turn) return;
    if (this.#state === 'half-open') this.#probes -= 1;
    if (isWell === true) this.#succeed();
    else if (isWell === false) this.#fail();
  }

  #succeed(): void {
    this.#failures = 0;
    if (this.#state !== 'half-open') return;
    this.#successes += 1;
    if (this.#successes >= this.#rules.successesMin) this.#to('closed');
  }

  #fail(): void {
    this.#failures += 1;
    if (this.#state === 'closed' && this.#failures < this.#rules.failuresMax) return;
    if (this.#state === 'closed') this.#openedMs = this.#nowMs();
    this.#untilMs = this.#nowMs() + this.#rules.openMs;
    this.#to('open');
  }

  #to(state: CircuitState): void {
    this.#state = state;
    this.#turn += 1;
    this.#probes = 0;
    this.#successes = 0;
    if (state === 'closed') this.#failures = 0;
    this.#turned(state);
  }
}
