import { defaultSharing, type SharingLimit, type SharingLimits } from '../manifest/sharing.ts';

/** How much of what is shared each agent may have. */
export interface SharesOptions {
  /** What an agent may have; an agent that is gone has the defaults. */
  readonly limitsOf?: ((agent: string) => SharingLimits | undefined) | undefined;
  /** Told once of each limit that an agent reaches, until the agent ends. */
  readonly onFull?: ((agent: string, limit: SharingLimit, max: number) => void) | undefined;
}

/** The limits of each agent, for all that is shared by names. Whoever wants more is told `full`, and the operator which one it is. */
export class Shares {
  readonly #options: SharesOptions;
  /** Bits of `limitBits`: of what the operator knows, by agent. */
  readonly #told = new Map<string, number>();

  constructor(options: SharesOptions = {}) {
    this.#options = options;
  }

  limitsOf(agent: string): SharingLimits {
    return this.#options.limitsOf?.(agent) ?? defaultSharing;
  }

  /** Whether an agent that has so much, or is about to, has no more than it may. */
  allows(agent: string, limit: SharingLimit, wanted: number): boolean {
    const max = this.limitsOf(agent)[limit];
    if (wanted <= max) return true;
    this.#tell(agent, limit, max);
    return false;
  }

  endOf(agent: string): void {
    this.#told.delete(agent);
  }

  #tell(agent: string, limit: SharingLimit, max: number): void {
    const told = this.#told.get(agent) ?? 0;
    const bit = limitBits[limit];
    if ((told & bit) !== 0) return;
    this.#told.set(agent, told | bit);
    this.#options.onFull?.(agent, limit, max);
  }
}

const limitBits: { readonly [limit in SharingLimit]: number } = {
  leasesMax: 1,
  channelsMax: 2,
  channelValuesMax: 4,
  channelBytesMax: 8,
  signalsMax: 16,
  groupsMax: 32,
};
