import { plainText } from '../errors.ts';

/** One line an agent logged. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** Where log lines go; `write` throws when the agent may not write more. */
export interface LogTarget {
  readonly levelMin: LogLevel;
  write(line: LogLine): void;
}

/** Whether a line of this level is kept. */
export function isLogged(level: LogLevel, levelMin: LogLevel): boolean {
  return levels.indexOf(level) >= levels.indexOf(levelMin);
}

/** The functions of `motehost:agent/log@0.1.0` (wit/log.wit). */
export interface LogGuestApi extends Record<string, (...args: never[]) => unknown> {
  enabled(level: LogLevel): boolean;
  write(level: LogLevel, text: string, fields: LogLine['fields']): void;
}

export function logGuestApi(target: LogTarget): LogGuestApi {
  const enabled = (level: LogLevel): boolean => isLogged(level, target.levelMin);
  return {
    enabled,
    write: (level, text, fields) => {
      if (enabled(level)) target.write({ level, text, fields });
    },
  };
}

/** `[info] text name=value`: one line whatever the guest put in, control characters escaped. */
export function formatLogLine({ level, text, fields }: LogLine): string {
  const tail = fields.map(
    ({ name, value }) =>
      ` ${plainText(name)}=${plainText(/[\s"=]/.test(value) ? JSON.stringify(value) : value)}`,
  );
  return `[${level}] ${plainText(text)}${tail.join('')}\n`;
}
