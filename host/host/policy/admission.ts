import { isDeepStrictEqual } from 'node:util';
import { importsOf } from '../../agent/difference.ts';
import type { Spec } from '../../agent/spec.ts';
import { HostError } from '../../errors.ts';
import type { PolicyBoard } from '../../policy/board.ts';
import type { EntityRef, KnownEntity } from '../../policy/entity.ts';
import { entityText } from '../../policy/entity.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import { agentOf, allocation, principalOf, startOf, tierUse } from './asked-of-agents.ts';
import type { Act } from './bounds.ts';
import type { Clearance, Cleared } from './clearance.ts';

export interface AdmissionOptions {
  readonly clearance: Clearance;
  readonly board: PolicyBoard;
  readonly say: (text: string) => void;
}

/** What policies say of agents that come: who may install, upgrade, start and spawn them, with how much, and where. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #known = new Map<string, KnownEntity>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Whether a person would have to be asked before an agent comes. */
  isOpen(spec: Spec, by: string, isAgain: boolean): boolean {
    this.#know([componentOf(spec)]);
    const { decider } = this.#options.clearance;
    const coming = isAgain ? [] : [comingOf(spec, by, 'agent.install')];
    const asked = [...coming, startOf(by, spec.manifest.name), ...needsOf(spec, by)];
    return asked.some((request) => ['step-up', 'defer'].includes(decider.decide(request).kind));
  }

  /**
   * The same agent as it may come, its limits as tight as the policies want them.
   * @throws HostError `HOST_ERR_POLICY_DENIED`
   */
  async admit(spec: Spec, by: string, how: 'agent.install' | 'agent.upgrade' | 'again'): Promise<Spec> {
    const { name, tier } = spec.manifest;
    this.#know([componentOf(spec), labelsOf(spec, name)]);
    const coming = how === 'again' ? [] : [[comingOf(spec, by, how), { tier }] as const];
    const asked: readonly (readonly [PolicyRequest, Act])[] = [
      ...coming,
      [startOf(by, name), { tier }],
      [allocation(by, name, spec.limits), { limits: spec.limits, tier }],
      [tierUse(name, tier), { tier, isReading: true }],
    ];
    let { limits } = spec;
    const approved: string[] = [];
    for (const [request, act] of asked) {
      const cleared = await this.#require(request, act);
      if (cleared.wasAsked) approved.push(request.action);
      limits = cleared.act.limits ?? limits;
    }
    return { ...spec, limits, approved, startedBy: by };
  }

  /** @throws HostError `HOST_ERR_POLICY_DENIED` for the first of them that may not be */
  async spawn(like: string, spec: Spec, names: readonly string[]): Promise<void> {
    const by = spec.startedBy ?? 'local';
    const { tier } = spec.manifest;
    this.#know(names.map((name) => labelsOf(spec, name)));
    for (const name of names) {
      await this.#require(
        { principal: agentOf(like), action: 'agent.spawn', resource: agentOf(name) },
        { tier },
      );
      await this.#require(startOf(by, name), { tier });
      const request = allocation(by, name, spec.limits);
      const { act } = await this.#require(request, { limits: spec.limits, tier });
      if (!isDeepStrictEqual(act.limits, spec.limits))
        throw this.#denied(request, `${like} has more than ${name} may have`);
      await this.#require(tierUse(name, tier), { tier, isReading: true });
    }
  }

  async #require(request: PolicyRequest, act: Act): Promise<Cleared> {
    const cleared = await this.#options.clearance.clear(request, act, Number.POSITIVE_INFINITY);
    if ('act' in cleared) return cleared;
    throw this.#denied(request, cleared.why);
  }

  #denied(request: PolicyRequest, why: string): HostError {
    this.#options.say(deniedText(request, why));
    return notPermitted(request.action);
  }

  /** What is the same already is not said again: each word ends all that was remembered. */
  #know(entities: readonly KnownEntity[]): void {
    const news = entities.filter((entity) => !isDeepStrictEqual(this.#known.get(entityText(entity)), entity));
    // Of an agent without labels the name says all, as long as nothing else was said.
    const worth = news.filter(
      (entity) => entity.kind !== 'Agent' || hasLabels(entity) || this.#isKnown(entity),
    );
    for (const entity of worth) this.#known.set(entityText(entity), entity);
    if (worth.length > 0) this.#options.board.putEntities(worth);
  }

  #isKnown(entity: EntityRef): boolean {
    return this.#known.has(entityText(entity));
  }
}

/** What is denied, for the operator's log. */
export function deniedText({ principal, action, resource }: PolicyRequest, why: string): string {
  return `denied: ${entityText(principal)} ${action} ${entityText(resource)}: ${why}`;
}

/** For the one who asked: it tells nothing. */
export function notPermitted(action: string): HostError {
  return new HostError(
    'HOST_ERR_POLICY_DENIED',
    `${action}: the policies of this host do not permit it; the log of the host says why`,
    { action },
  );
}

function comingOf(spec: Spec, by: string, action: 'agent.install' | 'agent.upgrade'): PolicyRequest {
  const { kind, id } = componentOf(spec);
  const context = { name: spec.manifest.name };
  return { principal: principalOf(by), action, resource: { kind, id }, context };
}

function needsOf(spec: Spec, by: string): readonly PolicyRequest[] {
  const { name, tier } = spec.manifest;
  return [allocation(by, name, spec.limits), tierUse(name, tier)];
}

function componentOf(spec: Spec): KnownEntity {
  const { digest } = spec.program.facts;
  const attributes = {
    isSigned: spec.signer !== undefined,
    signer: spec.signer ?? '',
    imports: importsOf(spec),
  };
  return { kind: 'Component', id: digest, groups: [], attributes };
}

function labelsOf({ manifest: { labels } }: Spec, name: string): KnownEntity {
  return { kind: 'Agent', id: name, groups: [], attributes: { ...labels } };
}

function hasLabels({ attributes: { holds, carries } }: KnownEntity): boolean {
  return [holds, carries].some((labels) => Array.isArray(labels) && labels.length > 0);
}
