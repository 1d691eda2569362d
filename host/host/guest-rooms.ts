import type { Agent } from '../agent/agent.ts';
import { unavailableInterfaces } from '../agent/unavailable.ts';
import type { Bus } from '../bus/bus.ts';
import { busGuestApi } from '../bus/guest-api.ts';
import type { Capabilities } from '../capability/capabilities.ts';
import type { Clock, Random } from '../clock.ts';
import type { Budget } from '../engine/budget.ts';
import { Linker } from '../engine/linker.ts';
import type { WasiGrants } from '../engine/wasi/grants.ts';
import { formatLogLine, type LogLine, logGuestApi } from '../telemetry/guest-api.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { GuestOutput } from './guest-output.ts';

export interface GuestRoomsOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (entry: LogEntry) => void;
  readonly capabilitiesOf: (agent: Agent) => Capabilities;
}
