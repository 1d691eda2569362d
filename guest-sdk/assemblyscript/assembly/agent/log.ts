export { enabled, Field, Level, write } from "motehost:agent/log";
import { Field, Level, write } from "motehost:agent/log";

export function trace(text: string, fields: Field[] = []): void { write(Level.trace, text, fields); }
export function debug(text: string, fields: Field[] = []): void { write(Level.debug, text, fields); }
export function info(text: string, fields: Field[] = []): void { write(Level.info, text, fields); }
export function warn(text: string, fields: Field[] = []): void { write(Level.warn, text, fields); }
export function error(text: string, fields: Field[] = []): void { write(Level.error, text, fields); }
