import { isDeepStrictEqual } from 'node:util';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { HostError } from '../errors.ts';
import type { Entities } from './entities.ts';
import type { EntityRef, KnownEntity } from './entity.ts';
import type { PolicySet, Rule } from './rule.ts';
import { type PolicyChange, type PolicyLine, type PolicySource, PolicyState } from './source.ts';

const linesMax = 1024;
const versionMax = 2 ** 31 - 1;

/**
 * Where policies are put in force: each thread is sent the change before the version is raised, so that one that
 * sees the new version finds the change.
 */
export class PolicyBoard implements PolicySource {
  readonly #state = new PolicyState();
  readonly #shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #version = new Int32Array(this.#shared);
  readonly #ports = new Set<MessagePort>();
  /** What the policy folder says of entities, and what they said of themselves. */
  #ruled: ReadonlyMap<string, KnownEntity> = new Map();
  readonly #said = new Map<string, KnownEntity>();
  readonly #listeners = new Set<() => void>();

  get versionInForce(): number {
    return this.#state.version;
  }

  get version(): number {
    return this.#state.version;
  }

  get rules(): ReadonlyMap<string, Rule> {
    return this.#state.rules;
  }

  get entities(): Entities {
    return this.#state.entities;
  }

  take(): boolean {
    return true;
  }

  /** A line for one more thread; what is in force is on it already. @throws HostError `HOST_ERR_POLICY_LIMIT` */
  open(): PolicyLine {
    if (this.#ports.size >= linesMax)
      throw new HostError(
        'HOST_ERR_POLICY_LIMIT',
        `at most ${linesMax} threads decide by one set of policies`,
      );
    const { port1, port2 } = new MessageChannel();
    this.#ports.add(port1);
    port1.on('close', () => this.#ports.delete(port1));
    port1.unref();
    if (this.version > 0) port1.postMessage(this.#whole());
    return { version: this.#shared, port: port2 };
  }

  /** Puts policies in force, in place of those before. What entities said of themselves stays known. */
  publish({ rules, entities }: PolicySet): number {
    const ids = new Set(rules.map(({ id }) => id));
    const gone = [...this.rules.keys()].filter((id) => !ids.has(id));
    const changed = rules.filter((rule) => !isSame(rule, this.rules.get(rule.id)));
    const ruled = this.#ruleOn(entities);
    const isSameSet = [changed, gone, ruled.entities, ruled.forgotten].every(({ length }) => length === 0);
    // A version ends every right that was given before it; nothing became another.
    if (isSameSet && this.version > 0) return this.version;
    return this.#change({ rules: changed, gone, ...ruled });
  }

  /** Makes more known of entities: the labels of an agent, the signature of a component. The folder's word goes first. */
  putEntities(entities: readonly KnownEntity[]): number {
    for (const entity of entities) this.#said.set(keyOf(entity), entity);
    return this.#change({ entities: entities.map((entity) => this.#merged(entity)) });
  }

  /** Forgets what entities said of themselves. */
  removeEntities(entities: readonly EntityRef[]): number {
    for (const entity of entities) this.#said.delete(keyOf(entity));
    return this.#change(this.#fallBack(entities));
  }

  /** Told of each change after it is in force. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const port of this.#ports) port.close();
  }

  /** Takes what the folder now says of entities: what became another. */
  #ruleOn(entities: readonly KnownEntity[]): Pick<PolicyChange, 'entities' | 'forgotten'> {
    const before = this.#ruled;
    this.#ruled = new Map(entities.map((entity) => [keyOf(entity), entity]));
    const changed = entities.filter((entity) => !isDeepStrictEqual(entity, before.get(keyOf(entity))));
    const gone = this.#fallBack([...before.values()].filter((entity) => !this.#ruled.has(keyOf(entity))));
    return { ...gone, entities: [...gone.entities, ...changed.map((entity) => this.#merged(entity))] };
  }

  /** What is still known of entities when one of the two that spoke of them does not any more. */
  #fallBack(entities: readonly EntityRef[]): Pick<PolicyChange, 'entities' | 'forgotten'> {
    const left = entities.map((entity) => this.#ruled.get(keyOf(entity)) ?? this.#said.get(keyOf(entity)));
    return {
      entities: left.filter((entity) => entity !== undefined),
      forgotten: entities.filter((_, at) => left[at] === undefined).map(({ kind, id }) => ({ kind, id })),
    };
  }

  #merged(entity: KnownEntity): KnownEntity {
    const ruled = this.#ruled.get(keyOf(entity));
    const said = this.#said.get(keyOf(entity));
    if (ruled === undefined || said === undefined) return entity;
    const attributes = { ...said.attributes, ...ruled.attributes };
    return { ...entity, groups: [...new Set([...said.groups, ...ruled.groups])], attributes };
  }

  #change(what: Partial<PolicyChange>): number {
    const version = this.version + 1;
    if (version > versionMax) throw new HostError('HOST_ERR_POLICY_LIMIT', `more than ${versionMax} changes`);
    const change: PolicyChange = { ...nothing, ...what, version };
    for (const port of this.#ports) port.postMessage(change);
    this.#state.apply(change);
    Atomics.store(this.#version, 0, version);
    for (const listener of this.#listeners) listener();
    return version;
  }

  #whole(): PolicyChange {
    const { version, rules, entities } = this.#state;
    return { ...nothing, version, isWhole: true, rules: [...rules.values()], entities: [...entities.all()] };
  }
}

const nothing: PolicyChange = {
  version: 0,
  isWhole: false,
  rules: [],
  gone: [],
  entities: [],
  forgotten: [],
};

/** All else of a policy comes of its text. */
function isSame(rule: Rule, other: Rule | undefined): boolean {
  return other !== undefined && rule.text === other.text && rule.line === other.line;
}

function keyOf({ kind, id }: EntityRef): string {
  return `${kind}:${id}`;
}
