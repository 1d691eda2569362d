import type { Bus } from '../../bus/bus.ts';
import type { PolicyStanding } from '../../scheduler/policy.ts';

export interface PolicyNewsOptions {
  readonly bus: Bus;
  readonly thread: number;
  readonly standing: () => PolicyStanding;
  readonly wallMs: () => number;
  readonly say: (text: string) => void;
}

/** Tells the operator, and whoever listens to `host.scheduler.>`, that a policy of the operator's own failed. */
export class PolicyNews {
  readonly #options: PolicyNewsOptions;

  constructor(options: PolicyNewsOptions) {
    this.#options = options;
  }

  /** Never throws: it is told in the middle of a decision, so what it says goes out after that. */
  failed(fault: unknown): void {
    setImmediate(() => this.#tell(fault instanceof Error ? fault.message : String(fault)));
  }

  #tell(why: string): void {
    const { bus, thread, standing, wallMs, say } = this.#options;
    const { policy, inForce } = standing();
    if (inForce === policy) say(`the scheduler's function failed: ${why}`);
    else
      say(
        `the scheduler's component failed on thread ${thread}: ${why}; ${inForce} decides there instead until the host begins anew`,
      );
    if (!bus.hasEventListeners) return;
    const body = { thread, policy, inForce, why, atMs: wallMs() };
    bus.publishEvent('host.scheduler.failed', {
      contentType: 'application/json',
      headers: [],
      body: new TextEncoder().encode(JSON.stringify(body)),
    });
  }
}
