import type { AgentRecord, Origin } from '../../agent/registry.ts';
import type { Spec } from '../../agent/spec.ts';
import type { SpecMaker } from '../../agent/spec-maker.ts';
import { delegationsMax } from '../../capability/capabilities.ts';
import { HostError } from '../../errors.ts';
import { type Answer, done, invalid, refused } from '../../orchestration/asked.ts';
import { Families } from '../../orchestration/families.ts';
import type { Nursery } from '../../orchestration/home.ts';
import type { Admission } from '../policy/admission.ts';
import type { HostAudit } from '../record/host-audit.ts';
import { childSpec } from '../supervision/child-spec.ts';
import type { Tenancy } from './tenancy.ts';

export interface AgentNurseryOptions {
  readonly tenancy: Tenancy;
  readonly specs: SpecMaker;
  /** What policies say of agents that come; undefined where there are none. */
  readonly admission: Admission | undefined;
  readonly audit: HostAudit;
  /** Removes an agent, `by` another one, and all that end with it. */
  readonly remove: (name: string, by: string) => Promise<void>;
  readonly say: (level: 'info' | 'warn', text: string, agent: string) => void;
}

/** Agents that other agents make, with no more rights than those have, and that end with them. They do not outlive the host. */
export class AgentNursery implements Nursery {
  readonly #options: AgentNurseryOptions;
  readonly #families = new Families();
  /** By what a child is like, and by whose it is: children of a kind share one. */
  readonly #specs = new WeakMap<Spec, WeakMap<Spec, Spec>>();
  readonly #origins = new WeakMap<Origin, Origin>();
  /** Children that are about to be there, by all from whom they come. */
  readonly #coming = new Map<string, number>();

  constructor(options: AgentNurseryOptions) {
    this.#options = options;
  }

  childrenOf(parent: string): readonly string[] {
    return this.#families.childrenOf(parent);
  }

  /** Who made it; undefined: it was installed, or its maker is no more. */
  parentOf(name: string): string | undefined {
    return this.#families.parentOf(name);
  }

  async spawn(parent: string, like: string, name: string, isDetached: boolean): Promise<Answer> {
    const { tenancy } = this.#options;
    const [maker, model] = [tenancy.registry.get(parent), tenancy.registry.get(like)];
    if (maker === undefined) return refused('cancelled');
    const fault = this.#faultOf(maker, model, like, name);
    if (fault !== undefined || model === undefined) return fault ?? refused('denied');
    const lineage = this.#lineageOf(parent);
    this.#count(lineage, 1);
    try {
      await this.#make(maker, model, name, isDetached);
      return done;
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      this.#options.say('warn', `'${name}' was not made: ${thrown.message}`, parent);
      return thrown.class === 'denied' ? refused('denied') : refused('unavailable');
    } finally {
      this.#count(lineage, -1);
    }
  }

  /** Why it cannot be made. */
  #faultOf(
    maker: AgentRecord,
    model: AgentRecord | undefined,
    like: string,
    name: string,
  ): Answer | undefined {
    const { tenancy, say } = this.#options;
    if (model === undefined) {
      say('warn', `'${name}' was not made: there is no agent '${like}' to be like`, maker.name);
      return refused('denied');
    }
    if (model.spec.program.facts.main.kind !== 'handler') return invalid(`${like} takes no messages`);
    if (tenancy.registry.get(name) !== undefined) return invalid(`there is an agent '${name}' already`);
    const why = this.#fullOf(maker.name);
    if (why === undefined) return undefined;
    say('warn', `'${name}' was not made: ${why}`, maker.name);
    return refused('full');
  }

  /** Why an agent can have no more children: what it may have, and what those may from whom it came. */
  #fullOf(maker: string): string | undefined {
    const lineage = this.#lineageOf(maker);
    if (lineage.length > delegationsMax)
      return `it is ${delegationsMax} generations from an installed agent, the most there may be`;
    for (const one of lineage) {
      const max = this.#options.tenancy.require(one).spec.manifest.grants.orchestration.childrenMax;
      const count = this.#families.descendantsOf(one) + (this.#coming.get(one) ?? 0);
      if (count >= max)
        return `${one} has ${count} already, theirs included: [capabilities.orchestration] children-max = ${count + 1}`;
    }
    return undefined;
  }

  /** An agent, who made it, and so on. */
  #lineageOf(name: string): readonly string[] {
    const parent = this.#families.parentOf(name);
    return parent === undefined ? [name] : [name, ...this.#lineageOf(parent)];
  }

  #count(lineage: readonly string[], by: 1 | -1): void {
    for (const name of lineage) {
      const coming = (this.#coming.get(name) ?? 0) + by;
      if (coming > 0) this.#coming.set(name, coming);
      else this.#coming.delete(name);
    }
  }

  async #make(maker: AgentRecord, model: AgentRecord, name: string, isDetached: boolean): Promise<void> {
    const { tenancy, admission, audit, remove } = this.#options;
    const spec = this.#specOf(model.spec, maker.spec);
    audit.assertRoom();
    await admission?.spawn(maker.name, spec, [name]);
    await tenancy.addNew(name, spec, this.#originOf(model.origin));
    this.#families.add({ name, parent: maker.name, isDetached });
    await audit.spawned([name], spec, model.origin.manifestText, maker.name);
    // Its parent may have gone while a person was asked.
    if (!isDetached && !tenancy.registry.isCurrent(maker)) await remove(name, maker.name);
  }

  #specOf(like: Spec, parent: Spec): Spec {
    let byParent = this.#specs.get(like);
    if (byParent === undefined) {
      byParent = new WeakMap();
      this.#specs.set(like, byParent);
    }
    let spec = byParent.get(parent);
    if (spec === undefined) {
      spec = childSpec(this.#options.specs, like, parent);
      byParent.set(parent, spec);
    }
    return spec;
  }

  #originOf(origin: Origin): Origin {
    let made = this.#origins.get(origin);
    if (made === undefined) {
      made = { ...origin, manifestPath: undefined };
      this.#origins.set(origin, made);
    }
    return made;
  }

  async endChild(parent: string, name: string): Promise<Answer> {
    if (this.#families.childOf(parent, name) === undefined) return refused('denied');
    await this.#options.remove(name, parent);
    return done;
  }

  /** An agent has ended, for good if it `isGone`: those that end with it, the youngest first. */
  async endOf(name: string, isGone: boolean): Promise<void> {
    const ending = this.#families.endingWith(name);
    for (const child of ending) this.#families.remove(child);
    if (isGone) this.#families.remove(name);
    for (const child of ending) await this.#end(child, name);
  }

  /** One that cannot be removed keeps nobody else from it. */
  async #end(child: string, parent: string): Promise<void> {
    try {
      await this.#options.remove(child, parent);
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      if (thrown.code === 'HOST_ERR_AGENT_UNKNOWN') return;
      this.#options.say('warn', `'${child}' was to end with it and did not: ${thrown.message}`, parent);
    }
  }
}
