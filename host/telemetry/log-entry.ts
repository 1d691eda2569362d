import type { LogLevel } from './guest-api.ts';

/** One thing that was logged: by an agent, or by the host about one. */
export interface LogEntry {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly level: LogLevel;
  /** The agent; undefined: the host itself. */
  readonly agent: string | undefined;
  /** The message at hand. */
  readonly messageId: string | undefined;
  readonly text: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}
