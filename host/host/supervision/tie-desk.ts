import { HostError } from '../../errors.ts';
import { type Answer, done, refused } from '../../orchestration/asked.ts';
import type { TieRoom } from '../../orchestration/home.ts';
import type { HostAudit } from '../record/host-audit.ts';
import type { HostNews } from '../report/host-news.ts';
import type { AgentTie, Principal } from '../serving.ts';
import { type AgentTies, askedTiesMax } from './agent-ties.ts';

export interface TieDeskRooms {
  readonly ties: AgentTies;
  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  readonly require: (agent: string) => unknown;
  readonly audit: HostAudit;
  readonly say: HostNews['say'];
  /** Before anything is begun that is to be on record. */
  readonly assertOpen: () => void;
}

/** Where agents, and people for them, ask for ties while they run. */
export class TieDesk implements TieRoom {
  readonly #rooms: TieDeskRooms;

  constructor(rooms: TieDeskRooms) {
    this.#rooms = rooms;
  }

  // For agents, whose rights were looked at

  link(agent: string, other: string): Answer {
    const refusal = this.#rooms.ties.link(agent, other);
    if (refusal !== undefined) return this.#full(agent, other);
    this.#rooms.audit.supervised('', 'link', agent, other);
    return done;
  }

  unlink(agent: string, other: string): Answer {
    this.#rooms.ties.unlink(agent, other);
    return done;
  }

  monitor(agent: string, other: string): Answer {
    const number = this.#rooms.ties.monitor(agent, other);
    return number === 'full' ? this.#full(agent, other) : { kind: 'number', number };
  }

  demonitor(agent: string, monitor: number): Answer {
    this.#rooms.ties.demonitor(agent, monitor);
    return done;
  }

  #full(agent: string, other: string): Answer {
    this.#rooms.say('warn', `was not tied to ${other}: ${fullText}`, agent);
    return refused('full');
  }

  // For people

  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN`, `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_BUDGET_EXHAUSTED` */
  linkBy(one: string, other: string, principal: Principal): void {
    this.#check(one, other);
    if (this.#rooms.ties.link(one, other) === 'full') throw full(one);
    this.#rooms.audit.supervised('', 'link', one, other, principal.name);
  }

  /** False: nobody asked for it; what a manifest declares is changed there. @throws HostError as `linkBy` */
  unlinkBy(one: string, other: string, principal: Principal): boolean {
    this.#check(one, other);
    const isGone = this.#rooms.ties.unlink(one, other);
    if (isGone) this.#rooms.audit.supervised('', 'unlink', one, other, principal.name);
    return isGone;
  }

  /** @throws HostError as `linkBy` */
  monitorBy(watcher: string, watched: string, principal: Principal): number {
    this.#check(watcher, watched);
    const number = this.#rooms.ties.monitor(watcher, watched);
    if (number === 'full') throw full(watcher);
    this.#rooms.audit.supervised('', 'monitor', watcher, watched, principal.name);
    return number;
  }

  /** False: it has no such monitor. @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  demonitorBy(watcher: string, number: number, principal: Principal): boolean {
    this.#rooms.assertOpen();
    this.#rooms.require(watcher);
    const isGone = this.#rooms.ties.demonitor(watcher, number);
    if (isGone) this.#rooms.audit.supervised('', 'demonitor', watcher, String(number), principal.name);
    return isGone;
  }

  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  of(agent: string): readonly AgentTie[] {
    this.#rooms.require(agent);
    const { links, monitors } = this.#rooms.ties.of(agent);
    return [
      ...links.map((other) => ({ kind: 'link' as const, agent: other, monitor: undefined })),
      ...monitors.map(({ watched, number }) => ({
        kind: 'monitor' as const,
        agent: watched,
        monitor: number === 0 ? undefined : number,
      })),
    ];
  }

  #check(one: string, other: string): void {
    this.#rooms.assertOpen();
    this.#rooms.require(one);
    this.#rooms.require(other);
    if (one !== other) return;
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${one} is not tied to itself; name another agent`, {
      agent: one,
    });
  }
}

const fullText = `an agent may ask for ${askedTiesMax} links and monitors at a time (askedTiesMax); take some back first`;

function full(agent: string): HostError {
  return new HostError('HOST_ERR_BUDGET_EXHAUSTED', `${agent} was not tied: ${fullText}`, {
    agent,
    max: askedTiesMax,
  });
}
