import { HostError } from '../../errors.ts';
import { type EventFilter, kindNames, kindOf } from '../../host/record/audit.ts';
import { nearest } from '../../nearest.ts';
import { timeMsOf } from '../words.ts';

/** Which events are meant. */
export interface EventFlags {
  readonly agent?: readonly string[] | undefined;
  readonly principal?: string | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** @throws HostError `HOST_ERR_CLI_USAGE` naming the flag */
export function filterOf({ agent, principal, kind, from, to }: EventFlags, nowMs: number): EventFilter {
  return {
    ...(agent === undefined ? {} : { agents: agent }),
    ...(principal === undefined ? {} : { principal }),
    ...(kind === undefined ? {} : { kinds: kind.map(kindNamed) }),
    ...(from === undefined ? {} : { fromMs: momentOf('--from', from, nowMs) }),
    ...(to === undefined ? {} : { toMs: momentOf('--to', to, nowMs) }),
  };
}

function kindNamed(name: string): number {
  const kind = kindOf(name);
  if (kind !== undefined) return kind;
  const names = [...kindNames.values()];
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--kind: no kind of event '${name}'${nearest(name, names)}; there are ${names.join(', ')}`,
  );
}

/** A date, a time, or how long ago. @throws HostError `HOST_ERR_CLI_USAGE` naming the flag */
export function momentOf(flag: string, text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?(ms|s|m|min|h|d)$/.test(text)) return nowMs - timeMsOf(flag, text);
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${flag}: '${text}' is no time; write for example 2026-12-31, 2026-12-31T18:00:00Z, or 2h for two hours ago`,
    { flag, text },
  );
}

/** A whole number from 1 on, as events have. @throws HostError `HOST_ERR_CLI_USAGE` */
export function sequenceOf(text: string | undefined): number {
  const sequence = Number(text);
  if (text !== undefined && /^\d{1,15}$/.test(text) && sequence > 0) return sequence;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `which event? Its number comes first in what host audit query prints${text === undefined ? '' : `; '${text}' is none`}`,
  );
}
