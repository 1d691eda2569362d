import { createHash, hash } from 'node:crypto';
import type { AgentRecord, Origin } from '../../agent/registry.ts';
import type { Spec } from '../../agent/spec.ts';
import type { FieldsOf } from '../../audit/field.ts';
import { type Kind, kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { Policies } from '../../policy/policies.ts';
import type { PressureChange } from '../report/pressure.ts';
import type { Trust } from '../trust/trust.ts';
import { MessageRecord } from './message-record.ts';
import { note } from './note.ts';

/** What the main thread does for its callers and operator, on the audit chain; nothing where there is none. */
export class HostAudit {
  /** Of the main thread's bus. */
  readonly messages: MessageRecord | undefined;
  readonly #pen: AuditPen | undefined;
  readonly #policies: Policies | undefined;

  constructor({ pen, auditLevel, policies, needs }: Trust) {
    this.#pen = pen;
    this.#policies = policies;
    this.messages = pen && new MessageRecord({ pen, level: auditLevel, needs });
    if (policies !== undefined) this.policiesChanged(policies.board.version);
  }

  /** Whether there is a chain. */
  get isKept(): boolean {
    return this.#pen !== undefined;
  }

  /** @throws HostError `HOST_ERR_AUDIT_FULL`: nothing is begun that cannot be recorded */
  assertRoom(): void {
    this.#pen?.assertRoom();
  }

  /** `by` is a token's name, `local`, or empty for the host itself. */
  installed({ manifest, program }: Spec, { manifestText, signedBy }: Origin, by: string): void {
    const { digest } = program.facts;
    this.#note(kinds.agentInstalled, manifest.name, by, digest, signedBy ?? null, digestOf(manifestText));
  }

  upgraded(
    before: AgentRecord,
    { manifest, program }: Spec,
    { manifestText, signedBy }: Origin,
    by: string,
  ): void {
    const { digest: from } = before.spec.program.facts;
    const { digest: to } = program.facts;
    this.#note(kinds.agentUpgraded, manifest.name, by, from, to, signedBy ?? null, digestOf(manifestText));
  }

  /** A component was not admitted, whoever brought it. */
  installRefused(name: string, digest: string, why: string): void {
    this.#note(kinds.installRefused, name, '', digest, why);
  }

  removed(name: string, by: string): void {
    this.#note(kinds.agentRemoved, name, by, 'requested');
  }

  /** A person lets one go on that was held or terminated. */
  resumed(name: string, by: string, message: 'retry' | 'drop'): void {
    this.#note(kinds.agentResumed, name, by, message);
  }

  /** Agents like one that is there. @throws HostError `HOST_ERR_AUDIT_FULL`, `HOST_ERR_AUDIT_UNWRITABLE` */
  async spawned(
    names: readonly string[],
    { program }: Spec,
    manifestText: string,
    by: string,
  ): Promise<void> {
    const manifest = digestOf(manifestText);
    for (const [at, name] of names.entries()) {
      // So many that they would not all find room at once.
      if (at % spawnsPerLook === 0 && (this.#pen?.pendingBytes ?? 0) > spawnPendingBytesMax)
        await this.#pen?.flushed();
      this.#note(kinds.agentInstalled, name, by, program.facts.digest, null, manifest);
    }
  }

  /** Something about a supervisor and one of its children. */
  supervised(supervisor: string, event: string, child: string, reason: string, by = ''): void {
    this.#note(kinds.supervised, child, by, supervisor, event, reason);
  }

  threadLost(thread: number, reason: string): void {
    this.#note(kinds.threadLost, '', '', thread, reason);
  }

  /** The host has little left of something, or enough again. */
  pressed({ resource, level, share }: PressureChange): void {
    this.#note(kinds.pressure, '', '', resource, level, share);
  }

  /** Policies of this version are in force. */
  policiesChanged(version: number): void {
    const rules = [...(this.#policies?.board.rules ?? [])];
    const digest = createHash('sha256');
    for (const [id, rule] of rules) digest.update(JSON.stringify([id, rule]));
    const ids = rules.map(([id]) => id);
    this.#note(kinds.policyChanged, '', '', version, digest.digest(), ids);
  }

  #note<K extends Kind>(kind: K, agent: string, by: string, ...fields: FieldsOf<K>): void {
    if (this.#pen !== undefined) note(this.#pen, kind, agent, by, ...fields);
  }
}

const spawnsPerLook = 1_000;
const spawnPendingBytesMax = 1024 * 1024;

function digestOf(text: string): string | null {
  return text === '' ? null : hash('sha256', text, 'hex');
}
