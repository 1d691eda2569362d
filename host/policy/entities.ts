import { HostError } from '../errors.ts';
import type { Cedar } from './cedar.ts';
import {
  type AttributeValue,
  type EntityRef,
  type KnownEntity,
  namedAttributes,
  namedParents,
} from './entity.ts';
import { type ActionName, actionNames, actions, type EntityKind, namespace } from './vocabulary.ts';

const entitiesMax = 1_000_000;
/** Entities passed to one decision: who asks, what for, and their groups. */
const passedMax = 256;

/** What is known of entities beyond their names; of those it does not know, the name says all. */
export class Entities {
  readonly #known = new Map<EntityKind, Map<string, KnownEntity>>();
  #count = 0;

  constructor(known: readonly KnownEntity[] = []) {
    for (const entity of known) this.put(entity);
  }

  get size(): number {
    return this.#count;
  }

  /** @throws HostError `HOST_ERR_POLICY_LIMIT` beyond a million of them */
  put(entity: KnownEntity): void {
    const ofKind = this.#known.get(entity.kind) ?? new Map<string, KnownEntity>();
    this.#known.set(entity.kind, ofKind);
    if (!ofKind.has(entity.id)) {
      if (this.#count >= entitiesMax)
        throw new HostError('HOST_ERR_POLICY_LIMIT', `policies know at most ${entitiesMax} entities`);
      this.#count += 1;
    }
    ofKind.set(entity.id, entity);
  }

  remove({ kind, id }: EntityRef): void {
    if (this.#known.get(kind)?.delete(id) === true) this.#count -= 1;
  }

  clear(): void {
    this.#known.clear();
    this.#count = 0;
  }

  get({ kind, id }: EntityRef): KnownEntity | undefined {
    return this.#known.get(kind)?.get(id);
  }

  *all(): Iterable<KnownEntity> {
    for (const ofKind of this.#known.values()) yield* ofKind.values();
  }

  /**
   * What Cedar has to be given to decide about two entities: themselves and the groups they are in. Undefined when
   * these are too many.
   */
  slice(principal: EntityRef, resource: EntityRef, options: SliceOptions): Cedar.EntityJson[] | undefined {
    const found: Cedar.EntityJson[] = [];
    const seen = new Set<string>();
    const waiting: EntityRef[] = [principal, resource];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const key = `${next.kind}:${next.id}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > passedMax) return undefined;
      const known = this.get(next);
      found.push(entityJson(next, known, options));
      for (const id of known?.groups ?? []) waiting.push({ kind: 'Group', id });
    }
    return found;
  }
}

/** What of the entities the policies of a slice look at. */
export interface SliceOptions {
  readonly hasAttributes: boolean;
  /** Patterns of subjects that they name. */
  readonly patterns: readonly string[];
}

function entityJson(
  entity: EntityRef,
  known: KnownEntity | undefined,
  { hasAttributes, patterns }: SliceOptions,
): Cedar.EntityJson {
  const parents = namedParents(entity, patterns).map((id) => uidOf({ kind: entity.kind, id }));
  for (const id of known?.groups ?? []) parents.push(uidOf({ kind: 'Group', id }));
  const attrs = hasAttributes ? attributesOf(entity, known) : {};
  return { uid: uidOf(entity), attrs, parents };
}

function attributesOf(
  entity: EntityRef,
  known: KnownEntity | undefined,
): Record<string, Cedar.CedarValueJson> {
  const values: Readonly<Record<string, AttributeValue>> = {
    ...namedAttributes(entity),
    ...known?.attributes,
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  );
}

export function uidOf({ kind, id }: EntityRef): Cedar.TypeAndId {
  return { type: typeNames[kind], id };
}

const typeNames: Readonly<Record<EntityKind, string>> = {
  Agent: `${namespace}::Agent`,
  Principal: `${namespace}::Principal`,
  Group: `${namespace}::Group`,
  Subject: `${namespace}::Subject`,
  Tool: `${namespace}::Tool`,
  Host: `${namespace}::Host`,
  Data: `${namespace}::Data`,
  Secret: `${namespace}::Secret`,
  Tier: `${namespace}::Tier`,
  Component: `${namespace}::Component`,
};

/** Each action with the groups it is in, as Cedar takes entities. */
const actionEntities: ReadonlyMap<string, readonly Cedar.EntityJson[]> = new Map(
  actionNames.map((name) => {
    const type = `${namespace}::Action`;
    const parents = actions[name].groups.map((id) => ({ type, id }));
    return [name, parents.length === 0 ? [] : [{ uid: { type, id: name }, attrs: {}, parents }]];
  }),
);

/** The action itself and its groups, for policies that are about a group. */
export function actionEntitiesOf(action: ActionName): readonly Cedar.EntityJson[] {
  return actionEntities.get(action) ?? [];
}
