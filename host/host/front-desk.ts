import type { AgentRecord } from '../agent/registry.ts';
import type { Bus } from '../bus/bus.ts';
import type { Message, Payload } from '../bus/message.ts';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { agentSubject, patternFault } from '../subject.ts';
import { MessageIds } from './message-ids.ts';
import type { Policing } from './policy/policing.ts';
import type { HostAudit } from './record/host-audit.ts';
import { acceptedOf, askOutside, senderOf } from './reply.ts';
import type { Accepted, InvokeOptions, PublishOptions, Reply, Serving, SubscribeOptions } from './serving.ts';
import type { Tenancy } from './thread/tenancy.ts';

/** What messages from outside pass on their way in. */
export interface FrontDeskRooms {
  readonly bus: Bus;
  readonly tenancy: Tenancy;
  readonly policing: Policing | undefined;
  readonly audit: HostAudit;
  readonly random: Random;
}

/** Where messages from outside come in, until the host ends. */
export class FrontDesk implements Pick<Serving, 'invoke' | 'request' | 'send' | 'publish' | 'subscribe'> {
  readonly #rooms: FrontDeskRooms;
  readonly #ids: MessageIds;
  #isClosed = false;

  constructor(rooms: FrontDeskRooms) {
    this.#rooms = rooms;
    this.#ids = new MessageIds(rooms.random);
  }

  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws HostError `HOST_ERR_AGENT_STOPPED` when the host ends */
  requireOpen(): void {
    if (this.#isClosed)
      throw new HostError('HOST_ERR_AGENT_STOPPED', 'the host ends; ask again when it is there again');
  }

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const to = agentSubject(name);
    const call = async (own: Payload, asked: InvokeOptions): Promise<Reply> => {
      requireMessages(this.#rooms.tenancy.require(name));
      return this.#ask(to, own, asked);
    };
    // First, so that who may not ask learns of nobody whether he is there.
    return this.#rooms.policing?.entrance.ask('invoke', to, payload, options, call) ?? call(payload, options);
  }

  async request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const call = (own: Payload, asked: InvokeOptions): Promise<Reply> => this.#ask(subject, own, asked);
    return (
      this.#rooms.policing?.entrance.ask('bus.send', subject, payload, options, call) ??
      call(payload, options)
    );
  }

  async #ask(to: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    this.requireOpen();
    this.#rooms.audit.assertRoom();
    return askOutside(this.#rooms.bus, this.#ids, to, payload, options);
  }

  async send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.requireOpen();
    const { guarantee, messageId, principal, priority } = options;
    const entrance = this.#rooms.policing?.entrance;
    const own = (await entrance?.post('bus.send', agentSubject(name), payload, principal)) ?? payload;
    const record = this.#rooms.tenancy.require(name);
    requireMessages(record);
    this.#rooms.tenancy.requireBeginnable(record);
    this.#rooms.audit.assertRoom();
    const accepted = acceptedOf(
      await this.#rooms.bus.send(senderOf(principal), name, own, { guarantee, id: messageId, priority }),
    );
    return this.#rooms.tenancy.haltOf(name)?.kind === 'terminated'
      ? { ...accepted, hasEnded: true }
      : accepted;
  }

  async publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.requireOpen();
    this.#rooms.audit.assertRoom();
    const { guarantee, messageId, principal, priority } = options;
    const own =
      (await this.#rooms.policing?.entrance.post('bus.publish', subject, payload, principal)) ?? payload;
    return acceptedOf(
      await this.#rooms.bus.publish(senderOf(principal), subject, own, {
        guarantee,
        id: messageId,
        priority,
      }),
    );
  }

  subscribe(
    pattern: string,
    group: string | undefined,
    listener: (message: Message) => void,
    options: SubscribeOptions = {},
  ): () => void {
    const fault = patternFault(pattern);
    if (fault !== undefined)
      throw new HostError('HOST_ERR_SUBJECT_INVALID', `'${pattern}': ${fault}`, { pattern });
    return (
      this.#rooms.policing?.listen(pattern, group, listener, options) ??
      this.#rooms.bus.listen(pattern, group, listener)
    );
  }
}

/** @throws HostError `HOST_ERR_WORLD_MISMATCH` for an agent that answers HTTP requests only */
function requireMessages({ name, spec }: AgentRecord): void {
  if (spec.program.facts.main.kind === 'handler') return;
  throw new HostError(
    'HOST_ERR_WORLD_MISMATCH',
    `${name} answers HTTP requests under ${spec.manifest.route ?? '/'}, and takes no messages; call it there`,
    { name },
  );
}
