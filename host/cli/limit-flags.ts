import { type LimitRequest, type Limits, limitNames, limitNotes, parseLimit } from '../limits.ts';

/** Flags that say what a program may use, of every command that runs some; `--config` names the file with the rest. */
export const limitOptions = {
  fuel: { type: 'string' },
  memory: { type: 'string' },
  tables: { type: 'string' },
  deadline: { type: 'string' },
  output: { type: 'string' },
  files: { type: 'string' },
  config: { type: 'string' },
} as const;

/** What the flags of limits ask for. @throws HostError `HOST_ERR_LIMIT_INVALID` */
export function limitsOfFlags(flags: object): LimitRequest {
  let limits: Partial<Limits> = {};
  for (const name of limitNames) {
    const flag = limitNotes[name].flag;
    const text = (flags as Record<string, unknown>)[flag.slice(2)];
    if (typeof text === 'string') limits = { ...limits, ...parseLimit(name, text, flag) };
  }
  return { limits, source: (name) => limitNotes[name].flag };
}
