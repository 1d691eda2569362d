import { isDeepStrictEqual } from 'node:util';
import { type Difference, differenceOf, wantsMore } from '../agent/difference.ts';
import type { Origin } from '../agent/registry.ts';
import type { Spec } from '../agent/spec.ts';
import type { SpecMaker } from '../agent/spec-maker.ts';
import type { Triggers } from '../agent/triggers/triggers.ts';
import { HostError } from '../errors.ts';
import { componentsOf } from '../history/history-files.ts';
import { isAgentName, type Manifest, parseManifest } from '../manifest.ts';
import type { Admission } from './policy/admission.ts';
import type { HostAudit } from './record/host-audit.ts';
import type { AgentDetail, Installed, InstallRequest } from './serving.ts';
import type { AgentRecord } from './state/agent-records.ts';
import type { StateFolder } from './state/state-folder.ts';
import type { Tenancy } from './thread/tenancy.ts';
import { SupplyChain } from './trust/supply-chain.ts';

export interface InstallationOptions {
  readonly state: StateFolder;
  readonly tenancy: Tenancy;
  readonly specs: SpecMaker;
  readonly triggers: Triggers;
  /** What policies say of agents that come; undefined where there are none. */
  readonly admission: Admission | undefined;
  readonly detail: (name: string) => Promise<AgentDetail>;
  readonly audit: HostAudit;
  readonly supply: SupplyChain;
  readonly nowMs: () => number;
  /** An agent is no more. */
  readonly removed: (name: string) => Promise<void>;
  readonly say: (level: 'error', text: string, agent: string) => void;
}

/** Which agents a host has: those of the operator's folders, those installed over HTTP, which outlive it, and spawned ones. */
export class Installation {
  readonly #options: InstallationOptions;
  readonly #spawnedOrigins = new WeakMap<Origin, Origin>();

  constructor(options: InstallationOptions) {
    this.#options = options;
  }

  async install(request: InstallRequest): Promise<Installed> {
    const { tenancy, audit } = this.#options;
    audit.assertRoom();
    const manifest = manifestOf(request.manifest);
    if (request.isAnybodys === true) requireSecretless(manifest, installedPath);
    const { component, signature } = request;
    const asked = await this.#specOf(manifest, component);
    const isAccepted = request.accept === asked.program.facts.digest;
    const delivered = { component, signature };
    const { signedBy, newSigner } = this.#options.supply.admit(
      manifest,
      installedPath,
      delivered,
      isAccepted,
    );
    const spec = await this.#admitted(signed(asked, signedBy), request.principal?.name ?? operator);
    const origin = {
      manifestPath: undefined,
      manifestText: request.manifest,
      installedAtMs: this.#options.nowMs(),
      signedBy,
    };
    const present = tenancy.registry.get(manifest.name);
    if (present === undefined && !isAccepted)
      SupplyChain.requireSameSigner({ signedBy, newSigner }, manifest.name, installedPath);
    if (present !== undefined && !isAccepted) {
      const difference = { ...differenceOf(present.spec, spec), newSigner };
      if (wantsMore(difference)) return { kind: 'wants-more', difference };
    }
    const installed = await this.#put(spec, origin, request.principal?.name ?? 'local');
    await this.#keep(spec, origin, component, signature);
    return installed;
  }

  /** @throws HostError `HOST_ERR_POLICY_DENIED` */
  async #admitted(spec: Spec, by: string, isAgain = false, onOpen?: () => void): Promise<Spec> {
    const { admission, tenancy } = this.#options;
    if (admission === undefined) return spec;
    if (onOpen !== undefined && admission.isOpen(spec, by, isAgain)) onOpen();
    const isThere = tenancy.registry.get(spec.manifest.name) !== undefined;
    return admission.admit(spec, by, isAgain ? 'again' : isThere ? 'agent.upgrade' : 'agent.install');
  }

  /** @throws HostError `HOST_ERR_AGENT_DUPLICATE` when the operator has an agent of that name */
  async #specOf(manifest: Manifest, component: Uint8Array<ArrayBuffer>): Promise<Spec> {
    const spec = await this.#make(manifest, installedPath, component);
    requireHttpOrigin(this.#options.tenancy.registry.get(manifest.name)?.origin, manifest.name);
    return spec;
  }

  /** The component of an agent with a history is kept as long as that. */
  async #make(manifest: Manifest, path: string, component: Uint8Array<ArrayBuffer>): Promise<Spec> {
    const called = path === installedPath ? 'the component' : path;
    const spec = await this.#options.specs.make(manifest, path, component, called);
    if (manifest.history.record) this.#options.state.recorded.put(component);
    return spec;
  }

  /** What was installed over HTTP is there again after a restart. */
  async #keep(
    spec: Spec,
    origin: Origin,
    component: Uint8Array,
    signature: Uint8Array | undefined,
  ): Promise<void> {
    const { components, agents } = this.#options.state;
    const { name } = spec.manifest;
    const digest = components.put(component);
    components.putSignature(digest, signature);
    agents.put({
      name,
      manifest: origin.manifestText,
      digest,
      earlier: this.#options.tenancy.require(name).earlier,
      accepted: undefined,
      parent: undefined,
      installedAtMs: origin.installedAtMs,
    });
    await agents.saved();
  }

  /** Installs what an earlier run was given over HTTP; one that cannot be is told, and keeps nobody from starting. */
  async restore(): Promise<void> {
    const { agents, components } = this.#options.state;
    for (const record of [...agents.all()]) {
      const waits = Promise.withResolvers<void>();
      // One that a person has to approve first comes when that is done.
      await Promise.race([this.#restore(record, waits.resolve), waits.promise]);
    }
    // What nobody has any more, or a crash left half written.
    agents.prune();
    components.removeUnused(agents.digests());
    this.#pruneRecorded();
  }

  /** Lives that begin in a history, and those that may begin in it from now on, need their components. */
  #pruneRecorded(): void {
    const { state, tenancy } = this.#options;
    const needed = componentsOf(state.historyFolder);
    for (const { spec } of tenancy.registry.records())
      if (spec.manifest.history.record) needed.add(spec.program.facts.digest);
    state.recorded.removeUnused(needed);
  }

  async #restore(record: AgentRecord, onOpen: () => void): Promise<void> {
    const { manifest: manifestText, digest, installedAtMs, name } = record;
    try {
      const { components } = this.#options.state;
      const manifest = manifestOf(manifestText);
      const component = await components.get(digest);
      const delivered = { component, signature: await components.signature(digest) };
      const admission = this.#options.supply.admit(manifest, installedPath, delivered, false);
      SupplyChain.requireSameSigner(admission, name, installedPath);
      const asked = await this.#specOf(manifest, component);
      const spec = await this.#admitted(signed(asked, admission.signedBy), operator, true, onOpen);
      const { signedBy } = admission;
      await this.#put(spec, { manifestPath: undefined, manifestText, installedAtMs, signedBy }, '');
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      this.#options.say('error', `cannot be installed again: ${thrown.message}`, name);
    }
  }

  /** `onOpen`: told when a person has to approve it first. */
  async upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
    text = '',
    signature?: Uint8Array,
    onOpen?: () => void,
  ): Promise<Installed & { readonly difference?: Difference }> {
    const admission = this.#options.supply.admit(manifest, manifestPath, { component, signature }, false);
    SupplyChain.requireSameSigner(admission, manifest.name, manifestPath);
    const asked = await this.#make(manifest, manifestPath, component);
    const spec = await this.#admitted(signed(asked, admission.signedBy), operator, false, onOpen);
    const present = this.#options.tenancy.registry.get(manifest.name);
    if (present !== undefined && present.origin.manifestPath !== manifestPath)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `${manifestPath}: there is an agent '${manifest.name}' already, from ${present.origin.manifestPath ?? 'an install over HTTP'}; give it another name`,
        { name: manifest.name },
      );
    const difference = present === undefined ? undefined : differenceOf(present.spec, spec);
    const { signedBy } = admission;
    const origin = { manifestPath, manifestText: text, installedAtMs: this.#options.nowMs(), signedBy };
    const installed = await this.#put(spec, origin, 'local');
    return difference === undefined ? installed : { ...installed, difference };
  }

  async #put(spec: Spec, origin: Origin, by: string): Promise<Installed> {
    const { audit } = this.#options;
    const { name } = spec.manifest;
    audit.assertRoom();
    requireChain(spec, audit);
    const present = this.#options.tenancy.registry.get(name);
    this.#options.triggers.check(name, spec.manifest.triggers, spec.manifestPath);
    if (present === undefined) {
      await this.#options.tenancy.add([name], spec, origin);
      audit.installed(spec, origin, by);
      this.#options.triggers.add(name, spec.manifest.triggers, spec.manifestPath);
      return { kind: 'installed', agent: await this.#options.detail(name) };
    }
    const isSame =
      present.spec.program.facts.digest === spec.program.facts.digest &&
      isDeepStrictEqual(present.spec.manifest, spec.manifest);
    if (isSame) return { kind: 'unchanged', agent: await this.#options.detail(name) };
    const before = { ...present };
    await this.#options.tenancy.replace(present, spec, origin);
    audit.upgraded(before, spec, origin, by);
    this.#options.triggers.add(name, spec.manifest.triggers, spec.manifestPath);
    return { kind: 'upgraded', agent: await this.#options.detail(name) };
  }

  async spawn(like: string, names: readonly string[]): Promise<void> {
    const bad = names.find((name) => !isAgentName(name));
    if (bad !== undefined)
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `'${bad}' is no agent's name: lower-case letters, digits, dashes`,
      );
    const { spec, origin } = this.#options.tenancy.require(like);
    await this.#options.admission?.spawn(like, spec, names);
    this.#options.audit.assertRoom();
    await this.#options.tenancy.add(names, spec, this.#spawnedFrom(origin));
    await this.#options.audit.spawned(names, spec, origin.manifestText, 'local');
    const { triggers } = spec.manifest;
    if (triggers.length > 0)
      for (const name of names) this.#options.triggers.add(name, triggers, spec.manifestPath);
  }

  /** One object for all that were spawned like one: no folder has them, so they can be removed. */
  #spawnedFrom(origin: Origin): Origin {
    let spawned = this.#spawnedOrigins.get(origin);
    if (spawned === undefined) {
      spawned = { ...origin, manifestPath: undefined };
      this.#spawnedOrigins.set(origin, spawned);
    }
    return spawned;
  }

  async remove(name: string, by = 'local'): Promise<void> {
    this.#options.audit.assertRoom();
    const record = this.#options.tenancy.require(name);
    if (record.origin.manifestPath !== undefined)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `${name} comes from ${record.origin.manifestPath}; remove it there`,
        { name },
      );
    this.#options.triggers.remove(name);
    await this.#options.tenancy.remove(record);
    await this.#options.removed(name);
    this.#options.audit.removed(name, by);
    this.#options.state.agents.remove(name);
    await this.#options.state.agents.saved();
  }
}

/** On whose behalf what lies in the operator's folders comes. */
const operator = 'local';

/** What policies know of whoever vouches for the component. */
function signed(spec: Spec, signer: string | undefined): Spec {
  return signer === undefined ? spec : { ...spec, signer };
}

/** What errors call the manifest of an agent that was installed over HTTP. */
const installedPath = 'the manifest';

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, for a manifest with paths too */
function manifestOf(text: string): Manifest {
  const manifest = parseManifest(text, installedPath, true);
  requirePathless(manifest, installedPath);
  return manifest;
}

/** An agent that wants to be recorded is not run where nothing is. @throws HostError `HOST_ERR_CONFIG_INVALID` */
function requireChain({ manifest, manifestPath }: Spec, { isKept }: HostAudit): void {
  const { level } = manifest.audit;
  if (isKept || level === 'security') return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${manifestPath}: [audit] level = "${level}" asks for a record, and this host keeps none; start it without --audit off`,
    { path: manifestPath, key: 'audit.level' },
  );
}

/** An agent that lies in a folder of the operator's is not replaced from outside. @throws HostError */
function requireHttpOrigin(origin: Origin | undefined, name: string): void {
  if (origin?.manifestPath === undefined) return;
  throw new HostError(
    'HOST_ERR_AGENT_DUPLICATE',
    `there is an agent '${name}' already, from ${origin.manifestPath}; change it there, or take another name`,
    { name },
  );
}

/** Where everybody of the machine may install, installing must not tell everybody the operator's secrets. @throws HostError */
function requireSecretless({ grants }: Manifest, path: string): void {
  const [handle] = grants.secrets;
  if (handle === undefined) return;
  throw new HostError(
    'HOST_ERR_CAPABILITY_DENIED',
    `${path}: it asks for the secret '${handle}', and this host takes agents from anybody without a token; make one with host token create --may admin, or install it with host serve FOLDER`,
    { path, handle },
  );
}

/** Paths in a manifest that came without a folder lead nowhere. @throws HostError `HOST_ERR_CONFIG_INVALID` */
function requirePathless({ grants, component }: Manifest, path: string): void {
  const key =
    grants.files.length > 0 ? 'capabilities.files' : component === undefined ? undefined : 'component';
  if (key === undefined) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: ${key} names a path, and an agent that is installed over HTTP has no folder; install it with host serve FOLDER`,
    { path, key },
  );
}
