import type { BusLuggage } from '../bus/resident.ts';
import type { Bonds } from './custody.ts';
import type { LifeNumber } from './lifecycle.ts';
import type { Packed } from './presence.ts';
import type { Tally } from './roll.ts';

/** What an agent object is between two messages. */
export interface AgentLuggage extends Tally, Packed {
  readonly lastError: string | undefined;
  readonly losses: number;
  readonly life: LifeNumber;
}

/** All that goes along with an agent from one thread to another; can be structured-cloned. */
export interface Luggage {
  readonly id: number;
  readonly name: string;
  readonly agent: AgentLuggage;
  readonly bonds: Bonds;
  readonly bus: BusLuggage;
  /** As `Profiles.pack`. */
  readonly profile: readonly number[];
}
