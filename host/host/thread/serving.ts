import type * as http from 'node:http';
import type { AuditPen } from '../../audit/pen.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Payload } from '../../bus/message.ts';
import type { Random } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { agentSubject } from '../../subject.ts';
import type { Entrance } from '../entrance.ts';
import { MessageIds } from '../message-ids.ts';
import { askOutside } from '../reply.ts';
import type { InvokeOptions, Reply, Serving } from '../serving.ts';

/** What a thread of agents answers to the front door by itself: invocations, wherever the agent lives. */
export class ThreadServing implements Pick<Serving, 'invoke' | 'routeOf' | 'exchange'> {
  readonly #bus: Bus;
  readonly #ids: MessageIds;
  readonly #pen: AuditPen | undefined;

  readonly #entrance: Entrance | undefined;

  constructor(bus: Bus, random: Random, pen: AuditPen | undefined, entrance: Entrance | undefined) {
    this.#entrance = entrance;
    this.#bus = bus;
    this.#pen = pen;
    this.#ids = new MessageIds(random);
  }

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    if (this.#entrance === undefined) return this.#invoke(name, payload, options);
    // First, so that who may not ask learns of nobody whether he is there.
    return this.#entrance.ask('invoke', agentSubject(name), payload, options, (own, asked) =>
      this.#invoke(name, own, asked),
    );
  }

  async #invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    if (this.#bus.directory.find(name) === 0) throw unknownAgent(name);
    this.#pen?.assertRoom();
    return askOutside(this.#bus, this.#ids, agentSubject(name), payload, options);
  }

  routeOf(): undefined {
    return undefined;
  }

  exchange(_agent: string, _request: http.IncomingMessage, _response: http.ServerResponse): Promise<void> {
    return Promise.reject(new Error('bug: sites are the main thread’s affair'));
  }
}

/** As everybody answers who is asked for an agent that is not there. */
export function unknownAgent(name: string): HostError {
  return new HostError(
    'HOST_ERR_AGENT_UNKNOWN',
    `no agent '${name}' here; host agents lists those there are`,
    { name },
  );
}
