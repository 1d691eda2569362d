import { hostname } from 'node:os';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { Audit } from '../../audit/audit.ts';
import type { ChainLimits } from '../../audit/chain-writer.ts';
import { kinds } from '../../audit/kinds.ts';
import { AuditPen, type PenEnd } from '../../audit/pen.ts';
import { subjectsUse } from '../../audit/people.ts';
import type { RefusedMessage } from '../../bus/envelopes.ts';
import type { Clock, Random } from '../../clock.ts';
import type { AuditSettings } from '../../config/audit-settings.ts';
import type { HostError } from '../../errors.ts';
import { HostSecret } from '../../identity/host-secret.ts';
import {
  hasHostSecret,
  openHostSecret,
  requireSamePublicKey,
  writePublicKey,
} from '../../identity/key-file.ts';
import { Keyring } from '../../identity/keyring.ts';
import { LocalSessions } from '../../identity/local-sessions.ts';
import { fileStore } from '../../identity/signed-text.ts';
import { StoreSeal } from '../../identity/store-seal.ts';
import { TrustedKeys } from '../../identity/trusted-keys.ts';
import { Decider } from '../../policy/decider.ts';
import { Policies } from '../../policy/policies.ts';
import { PolicyInbox, type PolicyLine } from '../../policy/source.ts';
import { AnchorFile } from '../record/anchor-file.ts';
import type { AuditLevel } from '../record/audit-level.ts';
import { decisionRecord } from '../record/decision-record.ts';
import { MessageProofs } from '../record/message-proofs.ts';
import { RecordNeeds } from '../record/record-needs.ts';
import { LocalEnvelopes } from './envelope-seal.ts';
import { keyringMark, requireNewestKeyring } from './keyring-mark.ts';
import { requireNothingSealed } from './sealed-state.ts';

export interface TrustOptions {
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Under which the host's secret is sealed; undefined: its file's mode alone protects it. */
  readonly passphrase?: string;
  readonly auditLevel?: AuditLevel;
  /** How the chain is kept. */
  readonly audit?: AuditKeeping;
  /** Takes over files that are not sealed, once, although the host has a key already: an operator's word. */
  readonly takesUnsealed?: boolean;
  /** Goes on although the end of the chain that was promised is missing. */
  readonly acceptAuditLoss?: boolean;
  /** Goes on with an older keyring than the audit chain knows, once: an operator's word. */
  readonly acceptOldKeyring?: boolean;
  /** Nothing is installed that is not signed. */
  readonly requireSigned?: boolean;
  /** Cedar policies; undefined: the manifests' grants alone decide. */
  readonly policyFolder?: string;
  readonly version: string;
  /** Whether the chain takes what is to be recorded, or why not. */
  readonly onAudit: (trouble: string | undefined) => void;
  /** Why the last seal could not be added to the file of anchors; undefined when it could again. */
  readonly onAnchor?: (trouble: string | undefined) => void;
  /** Policies that were put in force, or why a change was not taken. */
  readonly onPolicies: (result: number | HostError) => void;
}

/** Milliseconds and bytes as `AuditSettings` has them. */
export type AuditKeeping = Omit<AuditSettings, 'level'>;

/** What one thread is given; its ports are to be transferred (`portsOfTrust`). */
export interface TrustLine {
  /** The host's secret. */
  readonly secret: Uint8Array;
  readonly takesUnsealed: boolean;
  /** Of this run: messages within the host are sealed with it. */
  readonly runSecret: Uint8Array;
  /** What peers call this host, and the keys' generations beyond the first. */
  readonly hostName: string;
  readonly generations: Readonly<Record<string, number>>;
  readonly auditLevel: AuditLevel;
  readonly pen: PenEnd | undefined;
  readonly policies: PolicyLine | undefined;
  /** As the operator named it. */
  readonly policyFolder: string | undefined;
}

export function portsOfTrust({ pen, policies }: TrustLine): MessagePort[] {
  return [pen?.port, policies?.port].filter((port) => port !== undefined);
}

/** Keys, audit chain and policies of a host, on its main thread. */
export class Trust {
  readonly secret: HostSecret;
  readonly keyring: Keyring;
  /** Whose keys are whose: publishers of components, and who signed which agent's. */
  readonly trusted: TrustedKeys;
  readonly auditLevel: AuditLevel;
  readonly audit: Audit | undefined;
  readonly pen: AuditPen | undefined;
  readonly policies: Policies | undefined;
  readonly decider: Decider | undefined;
  /** What policies want recorded of messages of this thread. */
  readonly needs: RecordNeeds = new RecordNeeds();
  readonly #sealing: Sealing;
  readonly #anchor: AnchorFile | undefined;

  private constructor(
    { clock, stateFolder, auditLevel = 'security', audit: keeping, onAnchor }: TrustOptions,
    sealing: Sealing,
    keyring: Keyring,
    audit: Audit | undefined,
    policies: Policies | undefined,
  ) {
    this.#sealing = sealing;
    this.secret = sealing.secret;
    this.keyring = keyring;
    this.trusted = new TrustedKeys({
      store: fileStore(join(stateFolder, 'keys', 'trusted.json')),
      clock,
      signer: sealing.secret.fileKey(),
      pinsFirst: true,
    });
    this.auditLevel = auditLevel;
    this.audit = audit;
    this.pen = audit?.pen();
    const { anchorFile: path, anchorMs: everyMs } = keeping ?? {};
    if (audit !== undefined && path !== undefined)
      this.#anchor = new AnchorFile({
        audit,
        chain: join(stateFolder, 'audit'),
        path,
        everyMs,
        clock,
        onAnchor,
      });
    this.policies = policies;
    if (policies === undefined) return;
    const onDecision = decisionRecord(this.pen, auditLevel);
    const hasRecord = this.pen !== undefined;
    const decider = new Decider({
      source: policies.board,
      clock,
      hasRecord,
      ...(onDecision && { onDecision }),
    });
    policies.board.onChange(() => decider.refresh());
    this.decider = decider;
  }

  /**
   * Opens what the state folder has, and makes what it lacks.
   * @throws HostError as `openHostSecret`, `Keyring`, `Audit.start` and `Policies.watch`
   */
  static async open(options: TrustOptions): Promise<Trust> {
    const { stateFolder, clock, random, policyFolder, auditLevel = 'security' } = options;
    const keysFolder = join(stateFolder, 'keys');
    const isNew = !hasHostSecret(keysFolder);
    if (isNew) requireNothingSealed(stateFolder);
    const secret = openHostSecret({ folder: keysFolder, random, passphrase: options.passphrase });
    // All that is there is of a time before there were keys.
    const sealing = {
      secret,
      random,
      takesUnsealed: isNew || options.takesUnsealed === true,
      runSecret: random.fill(new Uint8Array(32)),
    };
    const store = fileStore(join(keysFolder, 'keyring.json'));
    const keyring = new Keyring({ secret, store, clock, name: hostname() });
    requireSamePublicKey(keysFolder, keyring);
    const rolledBack =
      auditLevel === 'off'
        ? undefined
        : requireNewestKeyring(stateFolder, keyring, secret, options.acceptOldKeyring === true);
    writePublicKey(keysFolder, keyring.host.text);
    const policies = policyFolder === undefined ? undefined : new Policies(policyFolder);
    policies?.watch(clock, options.onPolicies);
    try {
      const audit = auditLevel === 'off' ? undefined : await startAudit(options, sealing, keyring);
      const trust = new Trust(options, sealing, keyring, audit, policies);
      if (rolledBack !== undefined)
        trust.pen?.append(kinds.keyringRolledBack, '', 'local', rolledBack.version, rolledBack.found);
      return trust;
    } catch (thrown) {
      policies?.close();
      throw thrown;
    }
  }

  /** What one more thread needs. */
  line(): TrustLine {
    return {
      secret: this.secret.copy(),
      takesUnsealed: this.#sealing.takesUnsealed,
      runSecret: this.#sealing.runSecret,
      hostName: this.keyring.name,
      generations: this.keyring.generations,
      auditLevel: this.auditLevel,
      pen: this.audit?.penEnd(),
      policies: this.policies?.board.open(),
      policyFolder: this.policies?.folder,
    };
  }

  /** Seals one store's files: `journal/0`, … */
  storeSeal(store: string): StoreSeal {
    return new StoreSeal({ ...this.#sealing, store });
  }

  /** Seals messages of the main thread, which are those of the front door and of the host. */
  envelopes(clock: Clock): LocalEnvelopes {
    return envelopesOf(this.#sealing, clock, this.#sealing.random);
  }

  /** After every thread has ended. */
  async close(reason: string): Promise<void> {
    this.decider?.close();
    this.policies?.close();
    // A disk that takes nothing is told of by the chain itself.
    await this.pen?.close().catch(() => {});
    await this.audit?.close(reason);
    this.#anchor?.close();
  }
}

function startAudit(
  options: TrustOptions,
  { secret, takesUnsealed }: Sealing,
  keyring: Keyring,
): Promise<Audit> {
  const { audit: keeping = {} } = options;
  const earlier = Array.from({ length: keyring.generation('host') - 1 }, (_, index) => index + 1);
  return Audit.start({
    earlierKeys: earlier.map((generation) => secret.signingKey('host', generation).publicKey),
    folder: join(options.stateFolder, 'audit'),
    privateKey: keyring.host.privateKey,
    version: options.version,
    clock: options.clock,
    acceptLoss: options.acceptAuditLoss ?? false,
    limits: limitsOf(keeping),
    retentionMsMax: keeping.retentionMsMax ?? null,
    retentionBytesMax: keeping.retentionBytesMax ?? null,
    subjects: { key: secret.subkey(subjectsUse), takesUnsealed },
    // Nothing older than the first could be put in its place.
    keyring:
      keyring.version === 0 ? undefined : { version: keyring.version, mark: keyringMark(keyring, secret) },
    onTrouble: options.onAudit,
    onLost: (reason) => options.onAudit(`the thread that keeps the chain ended: ${reason}`),
  });
}

function limitsOf({ segmentBytesMax, segmentMsMax, uncertaintyMs }: AuditKeeping): Partial<ChainLimits> {
  return {
    ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }),
    ...(segmentMsMax === undefined ? {} : { segmentMsMax }),
    ...(uncertaintyMs === undefined ? {} : { uncertaintyMs }),
  };
}

interface Sealing {
  readonly secret: HostSecret;
  readonly random: Random;
  readonly takesUnsealed: boolean;
  readonly runSecret: Uint8Array;
}

/** Seals a store's files in a thread, before there is anything else of it. */
export function storeSealOf({ secret, takesUnsealed }: TrustLine, random: Random, store: string): StoreSeal {
  return new StoreSeal({ secret: new HostSecret(secret), random, takesUnsealed, store });
}

/** Seals messages of one thread. */
export function envelopesOf(
  { runSecret }: Pick<TrustLine, 'runSecret'>,
  clock: Clock,
  random: Random,
): LocalEnvelopes {
  return new LocalEnvelopes(new LocalSessions({ secret: runSecret, clock, random }));
}

/** Signs what agents of one thread send. */
export function proofsOf({ secret, hostName, generations }: TrustLine, clock: Clock): MessageProofs {
  return new MessageProofs({ secret: new HostSecret(secret), hostName, generations, clock });
}

/** Puts it on the chain that a message was not believed. */
export function recordRefusal(pen: AuditPen | undefined, { message, receiver, why }: RefusedMessage): void {
  pen?.append(kinds.messageDenied, message.sender ?? '', '', message.id, message.subject, receiver, why);
}

/** What people are told of a message that was not believed. */
export function refusalText({ message, why }: RefusedMessage): string {
  const { id, subject, sender } = message;
  return `a message was not believed and is not delivered (${why}): ${id}, ${subject}, said to be of ${sender ?? 'the host'}`;
}

/** The same in a thread that runs agents. */
export class ThreadTrust {
  readonly secret: HostSecret;
  readonly auditLevel: AuditLevel;
  readonly pen: AuditPen | undefined;
  readonly decider: Decider | undefined;
  readonly needs: RecordNeeds = new RecordNeeds();
  readonly policyFolder: string;

  constructor({ secret, auditLevel, pen, policies, policyFolder = '' }: TrustLine, clock: Clock) {
    this.policyFolder = policyFolder;
    this.secret = new HostSecret(secret);
    this.auditLevel = auditLevel;
    this.pen = pen === undefined ? undefined : new AuditPen(pen, { clock });
    if (policies === undefined) return;
    const source = new PolicyInbox(policies);
    const onDecision = decisionRecord(this.pen, auditLevel);
    const hasRecord = this.pen !== undefined;
    const decider = new Decider({ source, clock, hasRecord, ...(onDecision && { onDecision }) });
    // What came is not in force yet when it outruns the version that all threads share.
    const settle = (): void => {
      if (source.version > source.versionInForce) setImmediate(settle);
      else decider.refresh();
    };
    source.onArrival(settle);
    this.decider = decider;
  }

  /** Nothing is recorded after this. */
  async close(): Promise<void> {
    this.decider?.close();
    await this.pen?.flushed().catch(() => {});
    this.pen?.close();
  }
}
