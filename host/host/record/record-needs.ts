import { type AuditLevel, isRecordAsked } from '../../policy/decision.ts';

/**
 * What policies want recorded of messages that are about to be sent, by their bodies: from the decision, which knows
 * no message yet, to the bus, which knows no policy. Of one thread.
 */
export class RecordNeeds {
  /** Whether anything was ever asked for: before that, messages are not looked up. */
  isUsed = false;
  /** Told once messages have to be recorded that were not. */
  onAsked: () => void = () => {};
  isAsked = false;
  readonly #needs = new WeakMap<Uint8Array, AuditLevel>();

  put(body: Uint8Array, audit: AuditLevel): void {
    if (audit === 'digest') return;
    this.#needs.set(body, audit);
    this.isUsed = true;
    if (this.isAsked || !isRecordAsked(audit)) return;
    this.isAsked = true;
    this.onAsked();
  }

  /** Once for each message. */
  take(body: Uint8Array): AuditLevel | undefined {
    const need = this.#needs.get(body);
    if (need !== undefined) this.#needs.delete(body);
    return need;
  }
}
