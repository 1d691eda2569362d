import type { AgentExit } from '../../agent/custody.ts';
import type { Halt } from '../../agent/halt.ts';
import type { Spec } from '../../agent/spec.ts';
import type { Bus } from '../../bus/bus.ts';
import { outside } from '../../bus/delivery.ts';
import type { Supervision as Declared } from '../../manifest.ts';
import { AskedTies, type TiesOfOne } from '../../supervisor/asked-ties.ts';
import { type ExitReason, type Signal, Ties } from '../../supervisor/ties.ts';
import type { HostAudit } from '../record/host-audit.ts';
import type { HostNews } from '../report/host-news.ts';
import type { Tenancy } from '../thread/tenancy.ts';
import type { AgentThreadHandle, Threads } from '../thread/threads.ts';
import type { Supervision } from './supervision.ts';

export interface AgentTiesRooms {
  readonly bus: Bus;
  readonly tenancy: () => Tenancy;
  readonly threads: Threads;
  readonly supervision: () => Supervision;
  readonly audit: HostAudit;
  readonly say: HostNews['say'];
}

/** Links and monitors of one agent that were asked for while it ran. */
export const askedTiesMax = 1_000;

/** There is no room for another tie; or both are the same agent, of which the caller has made sure. */
export type TieRefusal = 'full';

/** Why the end of an agent is told that was no more when it was tied. */
const goneWhy = 'there is no such agent';

/**
 * Links and monitors between agents. Those that their manifests declare are there again at once when an agent has ended;
 * those that were asked for while they ran are used up by the end of either of the two, and by that of the host.
 */
export class AgentTies {
  readonly #rooms: AgentTiesRooms;
  #ties = new Ties<string>();
  readonly #declared = new Map<string, Declared>();
  /** How many manifests name an agent, its own included. */
  readonly #named = new Map<string, number>();
  readonly #asked = new AskedTies();

  constructor(rooms: AgentTiesRooms) {
    this.#rooms = rooms;
  }

  /** An agent came, has another version, or (undefined) is no more. */
  changed(name: string, spec: Spec | undefined): void {
    const before = this.#declared.get(name);
    if (spec === undefined && this.#concerns(name)) this.#spread(name, 'normal');
    if (before !== undefined) this.#count(name, before, -1);
    this.#declared.delete(name);
    const declared = spec?.manifest.supervision;
    if (declared !== undefined && hasTies(declared)) {
      this.#declared.set(name, declared);
      this.#count(name, declared, 1);
    }
    if (before === undefined) this.#tie(name);
    else this.#tieAll();
    if (spec !== undefined && this.#concerns(name)) this.#watch(name);
  }

  /** Whether its end is anybody's affair. */
  #concerns(name: string): boolean {
    return this.#named.has(name) || this.#asked.has(name);
  }

  #count(name: string, { links, monitors }: Declared, by: 1 | -1): void {
    for (const one of [name, ...links, ...monitors]) {
      const count = (this.#named.get(one) ?? 0) + by;
      if (count === 0) this.#named.delete(one);
      else this.#named.set(one, count);
      this.#watch(one);
    }
  }

  /** Its thread tells of its end, as long as that concerns somebody. */
  #watch(name: string): void {
    this.#tellThreadsOf(name, (handle, id) => {
      handle.post('tie', { ids: [id], isTied: this.#concerns(name) });
    });
  }

  /** One that is lost is told when its agents are there again; of an agent on its way, the one it goes to. */
  #tellThreadsOf(name: string, tell: (handle: AgentThreadHandle, id: number) => void): void {
    const { tenancy, threads } = this.#rooms;
    const record = tenancy().registry.get(name);
    if (record === undefined) return;
    if (tenancy().isMoving(record)) {
      tenancy()
        .located(name)
        .then(() => this.#tellThreadsOf(name, tell))
        // It was removed meanwhile.
        .catch(() => {});
      return;
    }
    for (const { id, thread } of tenancy().membersOf(record)) {
      const handle = threads.handle(thread);
      if (handle !== undefined) tell(handle, id);
    }
  }

  /** The agents of a lost thread are there again, on one that knows nothing of ties. */
  returned(thread: number): void {
    const { registry } = this.#rooms.tenancy();
    const isThere = (name: string): boolean => {
      const record = registry.get(name);
      return record !== undefined && registry.membersOf(record).some((one) => one.thread === thread);
    };
    const concerned = new Set([...this.#named.keys(), ...this.#asked.names]);
    const names = [...concerned].filter(isThere);
    for (const name of names) this.#watch(name);
    for (const agent of names) this.exited({ agent, why: 'its thread was lost' });
  }

  #tieAll(): void {
    this.#ties = new Ties(this.#ties.last);
    for (const name of this.#declared.keys()) this.#tie(name);
    for (const [one, other] of this.#asked.links) this.#ties.link(one, other);
    for (const { number, watcher, watched } of this.#asked.monitors)
      this.#ties.restore(number, watcher, watched);
  }

  #tie(name: string): void {
    const declared = this.#declared.get(name);
    if (declared === undefined) return;
    for (const other of declared.links) this.#ties.link(name, other);
    for (const other of declared.monitors) this.#ties.monitor(name, other);
    this.#ties.trapExits(name, declared.trapExits);
  }

  /** A thread says that one of its agents ended by itself. */
  exited({ agent, why }: AgentExit): void {
    if (this.#concerns(agent)) this.#spread(agent, why === undefined ? 'normal' : { why });
  }

  /** It is terminated. What it failed at before may have been told: the ties that were asked for are used up then. */
  terminated(agent: string, { why, rein }: Halt): void {
    if (rein === undefined ? this.#asked.has(agent) : this.#concerns(agent))
      this.#spread(agent, rein === 'stop' ? 'normal' : { why });
  }

  // What is asked for while agents run

  /** Who fails of the two takes the other along. If the other is no more, that is as if it failed now. */
  link(one: string, other: string): TieRefusal | undefined {
    if (this.#asked.isLinked(one, other)) return undefined;
    if (this.#isFull(one)) return 'full';
    if (this.#isGone(other)) {
      this.#missed(one, other);
      return undefined;
    }
    // Declared as well: it is linked already, and stays so when this one is used up.
    if (!this.#ties.link(one, other) && !this.#ties.linkedTo(one).includes(other)) return 'full';
    this.#asked.link(one, other);
    this.#watchBoth(one, other);
    return undefined;
  }

  /** Takes back what was asked for by either; what a manifest declares stays. False: it was not asked for. */
  unlink(one: string, other: string): boolean {
    if (!this.#asked.unlink(one, other)) return false;
    if (!this.#isDeclared(one, other)) this.#ties.unlink(one, other);
    this.#watchBoth(one, other);
    return true;
  }

  /** The number of a monitor, which its notice names. One who is no more is told of at once. */
  monitor(watcher: string, watched: string): number | TieRefusal {
    if (this.#isFull(watcher)) return 'full';
    const number = this.#ties.monitor(watcher, watched);
    if (number === 0) return 'full';
    if (this.#isGone(watched)) {
      this.#ties.demonitor(number);
      const reason = { why: goneWhy };
      this.#tell({ kind: 'down', to: watcher, from: watched, monitor: number, reason }, true);
      return number;
    }
    this.#asked.monitor({ number, watcher, watched });
    this.#watchBoth(watcher, watched);
    return number;
  }

  /** False: it has no such monitor, or none any more. */
  demonitor(watcher: string, number: number): boolean {
    const monitor = this.#asked.demonitor(watcher, number);
    if (monitor === undefined) return false;
    this.#ties.demonitor(number);
    this.#watchBoth(monitor.watcher, monitor.watched);
    return true;
  }

  /** What was asked for of one, or declared by it or (links) with it. */
  of(name: string): TiesOfOne {
    const asked = this.#asked.of(name);
    const declared = this.#declared.get(name);
    const watched = (declared?.monitors ?? []).map((other) => ({ number: 0, watcher: name, watched: other }));
    return { links: [...this.#ties.linkedTo(name)].sort(), monitors: [...watched, ...asked.monitors] };
  }

  #isFull(name: string): boolean {
    const { links, monitors } = this.#asked.of(name);
    return links.length + monitors.length >= askedTiesMax;
  }

  #isGone(name: string): boolean {
    const { registry } = this.#rooms.tenancy();
    return registry.get(name) === undefined || this.#rooms.tenancy().haltOf(name)?.kind === 'terminated';
  }

  #isDeclared(one: string, other: string): boolean {
    const has = (name: string, link: string): boolean =>
      this.#declared.get(name)?.links.includes(link) === true;
    return has(one, other) || has(other, one);
  }

  /** It linked itself to one that is no more. */
  #missed(name: string, from: string): void {
    const reason = { why: goneWhy };
    if (this.#declared.get(name)?.trapExits === true)
      this.#tell({ kind: 'exit-notice', to: name, from, reason }, false);
    else {
      this.#end(name, from, reason);
      this.#spread(name, { why: `it was linked to ${from}: ${goneWhy}` });
    }
  }

  #watchBoth(one: string, other: string): void {
    this.#watch(one);
    this.#watch(other);
  }

  /** Everybody who ends with it ends, everybody who is to be told is told, and all are tied as before. */
  #spread(first: string, reason: ExitReason): void {
    const ended = new Set([first]);
    const signals: Signal<string>[] = [];
    for (const name of ended) {
      const own = this.#ties.exit(name, reason);
      signals.push(...own);
      for (const { kind, to } of own) if (kind === 'exit') ended.add(to);
    }
    for (const signal of signals)
      if (signal.kind !== 'exit')
        this.#tell(signal, signal.kind === 'down' && this.#asked.isMonitor(signal.monitor));
    const others = [...ended].flatMap((name) => this.#useUp(name));
    const all = new Set(ended);
    ended.delete(first);
    for (const name of ended) this.#end(name, first, reason);
    this.#retie(all);
    for (const name of new Set([...all, ...others])) this.#watch(name);
  }

  /** Nothing is left of what was asked for, on its part and on that of others; whom that concerns. */
  #useUp(name: string): readonly string[] {
    for (const { number } of this.#asked.of(name).monitors) this.#ties.demonitor(number);
    return this.#asked.endOf(name);
  }

  /** What their ends used up is there again. */
  #retie(ended: ReadonlySet<string>): void {
    for (const [name, { links, monitors }] of this.#declared) {
      for (const other of links) if (ended.has(name) || ended.has(other)) this.#ties.link(name, other);
      for (const other of monitors) if (ended.has(other)) this.#ties.monitor(name, other);
    }
  }

  /** A monitor that was asked for is named by its number. */
  #tell(signal: Exclude<Signal<string>, { kind: 'exit' }>, isAsked: boolean): void {
    const { kind, to, from, reason } = signal;
    const { bus, tenancy, say } = this.#rooms;
    if (tenancy().registry.get(to) === undefined) return;
    const why = reason === 'normal' ? undefined : reason.why;
    const monitor = kind === 'down' && isAsked ? signal.monitor : undefined;
    const body = new TextEncoder().encode(JSON.stringify({ agent: from, why, monitor }));
    const payload = { contentType: 'application/json', headers: [], body };
    const subject = kind === 'down' ? `down.${from}` : `exit.${from}`;
    const refused = (text: string): void => say('warn', `was not told of the end of ${from}: ${text}`, to);
    Promise.resolve(bus.send(outside, to, payload, { subject })).then(
      (accepted) => 'tag' in accepted && refused(accepted.tag),
      (thrown: unknown) => refused(String(thrown)),
    );
  }

  #end(name: string, from: string, reason: ExitReason): void {
    const { tenancy, supervision, audit, say } = this.#rooms;
    const record = tenancy().registry.get(name);
    if (record === undefined) return;
    const why = `it is linked to ${from}, which ended: ${reason === 'normal' ? 'in good order' : reason.why}`;
    audit.supervised('', 'linked', name, why);
    say('warn', `ended: ${why}`, name);
    if (supervision().has(name)) void supervision().fail(name, why);
    else this.#tellThreadsOf(name, (handle, id) => handle.post('endLinked', { id, why }));
  }
}

function hasTies({ links, monitors, trapExits }: Declared): boolean {
  return links.length > 0 || monitors.length > 0 || trapExits;
}
