import { parse, TomlError } from 'smol-toml';
import { HostError } from '../errors.ts';
import { type Kind, kindOf } from './kinds.ts';

/** What a framework asks for, and which events show it. */
export interface ReportTemplate {
  readonly name: string;
  readonly title: string;
  readonly controls: readonly Control[];
}

export interface Control {
  /** As the framework numbers it: `§164.312(b)`. */
  readonly id: string;
  readonly title: string;
  /** In our words. */
  readonly asks: string;
  /** Events that show it is done. */
  readonly evidence: readonly Kind[];
  /** Fewer of them are a gap. */
  readonly min: number;
  /** Events that a person has to look at. */
  readonly exceptions: readonly Kind[];
  /** How long the record must be kept; undefined when it is not asked. */
  readonly retentionDays: number | undefined;
  /** What this record cannot show. */
  readonly outside: string | undefined;
}

const controlKeys = ['id', 'title', 'asks', 'evidence', 'min', 'exceptions', 'retention-days', 'outside'];
const controlsMax = 200;

/**
 * Reads a template in TOML: `name`, `title` and `[[control]]` with `id`, `title`, `asks`, `evidence` (names of kinds),
 * and optionally `min`, `exceptions`, `retention-days`, `outside`.
 * @throws HostError `HOST_ERR_AUDIT_INVALID` naming what is wrong
 */
export function parseTemplate(text: string): ReportTemplate {
  const table = tomlOf(text);
  unknownKey(table, ['name', 'title', 'control'], 'the template');
  const controls = table.control;
  if (!Array.isArray(controls) || controls.length === 0) throw invalid('it has no [[control]]');
  if (controls.length > controlsMax) throw invalid(`it has more than ${controlsMax} controls`);
  return {
    name: textOf(table, 'name', 'the template'),
    title: textOf(table, 'title', 'the template'),
    controls: controls.map(readControl),
  };
}

type Table = Readonly<Record<string, unknown>>;

function tomlOf(text: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw invalid(`line ${error.line}: ${error.message.split('\n')[0]}`);
  }
}

function readControl(value: unknown, index: number): Control {
  const where = `control ${index + 1}`;
  if (typeof value !== 'object' || value === null) throw invalid(`${where} is no table`);
  const table = value as Table;
  unknownKey(table, controlKeys, where);
  const evidence = kindsOf(table, 'evidence', where);
  const outside = table.outside;
  if (evidence.length === 0 && outside === undefined)
    throw invalid(`${where} names no kind in "evidence"; say in "outside" what shows it instead`);
  return {
    id: textOf(table, 'id', where),
    title: textOf(table, 'title', where),
    asks: textOf(table, 'asks', where),
    evidence,
    min: numberOf(table, 'min', where) ?? 1,
    exceptions: kindsOf(table, 'exceptions', where),
    retentionDays: numberOf(table, 'retention-days', where),
    outside: outside === undefined ? undefined : textOf(table, 'outside', where),
  };
}

function unknownKey(table: Table, known: readonly string[], where: string): void {
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw invalid(`${where} has the unknown key "${unknown}"; there are ${known.join(', ')}`);
}

function textOf(table: Table, key: string, where: string): string {
  const value = table[key];
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(`${where} has no text in "${key}"`);
}

function numberOf(table: Table, key: string, where: string): number | undefined {
  const value = table[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw invalid(`${where}: "${key}" is not a whole number of 0 or more`);
}

function kindsOf(table: Table, key: string, where: string): Kind[] {
  const names = table[key] ?? [];
  if (!Array.isArray(names)) throw invalid(`${where}: "${key}" is not a list`);
  return names.map((name) => {
    const kind = kindOf(String(name));
    if (kind === undefined) throw invalid(`${where}: there is no kind of event called "${name}"`);
    return kind;
  });
}

function invalid(why: string): HostError {
  return new HostError('HOST_ERR_AUDIT_INVALID', `the report template cannot be used: ${why}`);
}
