import type { Audit } from '../../audit/audit.ts';
import type { EventFilter } from '../../audit/filter.ts';
import { anchorText } from '../../audit/head.ts';
import { jsonEvent } from '../../audit/json.ts';
import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import { queryChain } from '../../audit/query.ts';
import { publicKeyText } from '../../audit/signer.ts';
import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import type { EventsAsked, RecordHead, ServingRecord, ShownEvent } from '../serving.ts';
import { type AuditEvent, kindOf } from './audit.ts';
import { note } from './note.ts';

/** The audit chain of a host that serves, as its front doors reach it. */
/** Milliseconds that a question waits for what happened before it. */
const recordedMsMax = 1_000;

export interface ChainRecordOptions {
  readonly audit: Audit;
  readonly pen: AuditPen;
  /** The chain's. */
  readonly folder: string;
  readonly clock: Clock;
  /** Resolves once what happened on other threads is on the chain. */
  readonly threadsRecorded: () => Promise<unknown>;
}

export class ChainRecord implements ServingRecord {
  readonly #audit: Audit;
  readonly #pen: AuditPen;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #threadsRecorded: () => Promise<unknown>;

  constructor({ audit, pen, folder, clock, threadsRecorded }: ChainRecordOptions) {
    this.#audit = audit;
    this.#pen = pen;
    this.#folder = folder;
    this.#clock = clock;
    this.#threadsRecorded = threadsRecorded;
  }

  async events(asked: EventsAsked, max: number): Promise<readonly ShownEvent[]> {
    await this.#recorded();
    const found: ShownEvent[] = [];
    for await (const event of queryChain(this.#folder, filterOf(asked))) {
      found.push(shown(event));
      if (found.length >= max) break;
    }
    return found;
  }

  /** What happened before a question is part of the answer, unless a disk takes nothing or a thread does not answer. */
  async #recorded(): Promise<void> {
    const late = new AbortController();
    const all = Promise.allSettled([this.#pen.flushed(), this.#threadsRecorded()]);
    await Promise.race([all, this.#clock.sleep(recordedMsMax, late.signal).catch(() => {})]);
    late.abort();
  }

  async head(): Promise<RecordHead | undefined> {
    const signed = await this.#audit.head();
    if (signed === undefined) return undefined;
    const { firstSequence, count, batch, wallMs, publicKey } = signed.seal;
    return {
      events: firstSequence + count - 1,
      batch,
      sealedMs: wallMs,
      signedBy: publicKeyText(publicKey),
      anchor: anchorText(signed),
    };
  }

  follow(
    asked: EventsAsked,
    event: (event: ShownEvent) => void,
    missed: (events: number) => void,
  ): () => void {
    const stream = this.#audit.stream({ filter: filterOf(asked) });
    const run = async (): Promise<void> => {
      for await (const one of stream) {
        if ('fields' in one) event(shown(one));
        else missed(one.events);
      }
    };
    run().catch(() => missed(0));
    return () => stream.close();
  }

  forget(subject: string, reason: string, by: string): Promise<boolean> {
    return this.#audit.forget(subject, `${reason} (asked by ${by})`);
  }

  async timestamped(batch: number, authority: string, token: Uint8Array, by: string): Promise<void> {
    const signed = await this.#audit.head();
    if (signed === undefined || batch > signed.seal.batch)
      throw new HostError('HOST_ERR_AUDIT_UNKNOWN', `the chain has no batch ${batch}`, { batch });
    this.#pen.append(kinds.timestamped, '', by, batch, null, authority, token);
    await this.#pen.flushed();
  }

  tokenCreated(name: string, rights: readonly string[]): void {
    note(this.#pen, kinds.tokenCreated, '', '', name, rights);
  }

  tokenRevoked(name: string): void {
    note(this.#pen, kinds.tokenRevoked, '', '', name);
  }
}

/** @throws HostError `HOST_ERR_AUDIT_INVALID` for a kind that there is not */
function filterOf({ agents, kinds: names, principal, fromMs, toMs, after }: EventsAsked): EventFilter {
  return {
    ...(agents === undefined ? {} : { agents }),
    ...(names === undefined ? {} : { kinds: names.map(kindNamed) }),
    ...(principal === undefined ? {} : { principal }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(after === undefined ? {} : { fromSequence: after + 1 }),
  };
}

function kindNamed(name: string): number {
  const kind = kindOf(name);
  if (kind !== undefined) return kind;
  throw new HostError(
    'HOST_ERR_AUDIT_INVALID',
    `there is no kind of event '${name}'; docs/audit.md says which there are`,
    {
      name,
    },
  );
}

function shown(event: AuditEvent): ShownEvent {
  const { sequence, name: kind, timeMs, agent, principal } = event;
  const time = new Date(timeMs).toISOString();
  return { ...jsonEvent(event), sequence, kind, time, agent, principal };
}
