import { Digest, Personal } from '../../audit/field.ts';
import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { DeadLetter } from '../../bus/dead-letters.ts';
import type { Message } from '../../bus/message.ts';
import type { BusRecord } from '../../bus/record-port.ts';
import type { AuditLevel } from './audit-level.ts';
import { note } from './note.ts';
import type { RecordNeeds } from './record-needs.ts';

export interface MessageRecordOptions {
  readonly pen: AuditPen;
  readonly level: AuditLevel;
  /** Whether the messages of this agent are recorded although the host's level does not ask for it. */
  readonly isRaised?: (sender: number) => boolean;
  /** What policies want recorded of single messages. */
  readonly needs?: RecordNeeds | undefined;
}

/** Used again for every message: the pen copies what it is of at once. */
const digest = new Digest(new Uint8Array());

/** What one thread's bus does, on the audit chain. */
export class MessageRecord implements BusRecord {
  readonly #pen: AuditPen;
  readonly #isAll: boolean;
  readonly #isRaised: (sender: number) => boolean;
  readonly #needs: RecordNeeds | undefined;
  /** Set once an agent asks for more than the host does. */
  hasMessages: boolean;

  constructor({ pen, level, isRaised = () => false, needs }: MessageRecordOptions) {
    this.#pen = pen;
    this.#isAll = level === 'messages' || level === 'all';
    this.hasMessages = this.#isAll;
    this.#isRaised = isRaised;
    this.#needs = needs;
    if (needs === undefined) return;
    needs.onAsked = () => {
      this.hasMessages = true;
    };
    if (needs.isAsked) this.hasMessages = true;
  }

  get isFull(): boolean {
    return this.#pen.isFull;
  }

  sent(from: number, principal: string | undefined, message: Message, receiver: string | undefined): void {
    const { id, subject, sender = '', body } = message;
    const need = this.#needs?.isUsed === true ? this.#needs.take(body) : undefined;
    const isWanted = this.#isAll || (need !== undefined && need !== 'none');
    if (!isWanted && (from === 0 || !this.#isRaised(from))) return;
    const by = principal ?? sender;
    const isKept = need === 'payload';
    digest.bytes = body;
    note(
      this.#pen,
      kinds.messageSent,
      sender,
      by,
      id,
      subject,
      receiver ?? null,
      body.length,
      need === 'none' || isKept ? null : digest,
      // It may say anything about anybody: whoever sent it can have it forgotten, and a digest would outlive that.
      isKept ? new Personal(by || 'local', body) : null,
    );
  }

  died({ message, receiver, reason }: DeadLetter): void {
    const { id, subject, sender = '', attempt } = message;
    note(this.#pen, kinds.messageDeadLettered, receiver, sender, id, subject, reason, attempt);
  }
}
