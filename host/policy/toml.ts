import { parse, TomlError } from 'smol-toml';
import { HostError } from '../errors.ts';
import { Table } from '../manifest/table.ts';
import type { PolicyFile } from './compile.ts';
import type { KnownEntity } from './entity.ts';
import { type AttributeValue, namedAttributes, parseEntity } from './entity.ts';
import { faultOf, type PolicyFault } from './place.ts';
import { labelsMax } from './request.ts';

/** Reads a file in TOML. @throws HostError `HOST_ERR_CONFIG_INVALID` with the line */
export function tomlOf({ name, text }: PolicyFile): Table {
  try {
    return new Table(parse(text), name);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = ''] = error.message.split('\n');
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${name}:${error.line}:${error.column}: ${reason}`);
  }
}

const entitiesMax = 1000;

/** The tables `[[entity]]`: what is known of entities. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_POLICY_INVALID` */
export function entitiesOf(table: Table): readonly KnownEntity[] {
  return table.tables('entity').slice(0, entitiesMax).map(entityOf);
}

function entityOf(table: Table): KnownEntity {
  const ref = parseEntity(table.text('entity') ?? '', table.path);
  const known = namedAttributes(ref);
  const settable = Object.keys(known).filter((name) => !fixed.includes(name));
  const isGrouped = ['Agent', 'Principal', 'Group'].includes(ref.kind);
  table.only(['entity', ...(isGrouped ? ['groups'] : []), ...settable]);
  const groups = table.texts('groups', 'group:billing').map((text) => parseEntity(text, table.path));
  const stranger = groups.find(({ kind }) => kind !== 'Group');
  if (stranger !== undefined) throw table.wrong('groups', 'groups, such as ["group:billing"]');
  const attributes = Object.fromEntries(
    settable.filter((name) => table.has(name)).map((name) => [name, attributeOf(table, name, known[name])]),
  );
  return { ...ref, groups: groups.map(({ id }) => id), attributes };
}

/** What the name says already. */
const fixed = ['name', 'path', 'port', 'digest', 'hasWildcard'];

function attributeOf(table: Table, name: string, example: AttributeValue | undefined): AttributeValue {
  if (typeof example === 'boolean') return table.flag(name);
  if (typeof example === 'number') return table.quantity(name, 'count', { min: 0, max: 1000 }, 0);
  if (typeof example === 'string') return table.text(name) ?? '';
  const texts = table.texts(name, 'pii');
  if (texts.length > labelsMax) throw table.wrong(name, `at most ${labelsMax} texts`);
  return texts;
}

/** Reads `entities.toml`. */
export function readEntities(file: PolicyFile | undefined): {
  readonly entities: readonly KnownEntity[];
  readonly faults: readonly PolicyFault[];
} {
  if (file === undefined) return { entities: [], faults: [] };
  try {
    const table = tomlOf(file).only(['entity']);
    return { entities: entitiesOf(table), faults: [] };
  } catch (error) {
    return { entities: [], faults: [tomlFault(file, error)] };
  }
}

/** What was thrown while a file in TOML was read, as a fault. @throws what is no `HostError` */
export function tomlFault({ name }: PolicyFile, error: unknown): PolicyFault {
  if (!(error instanceof HostError)) throw error;
  const place = new RegExp(`^${RegExp.escape(name)}:(\\d+):(\\d+): `).exec(error.message);
  if (place === null) return faultOf(name, error.message.replace(`${name}: `, ''));
  const message = error.message.slice(place[0].length);
  return { file: name, line: Number(place[1]), column: Number(place[2]), message, hint: undefined };
}
