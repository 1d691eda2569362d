import type { AgentExit } from '../agent/custody.ts';
import type { Spec } from '../agent/spec.ts';
import type { Bus } from '../bus/bus.ts';
import { outside } from '../bus/delivery.ts';
import type { Supervision as Declared } from '../manifest.ts';
import { type ExitReason, type Signal, Ties } from '../supervisor/ties.ts';
import type { HostAudit } from './host-audit.ts';
import type { HostNews } from './host-news.ts';
import type { Supervision } from './supervision.ts';
import type { Tenancy } from './tenancy.ts';
import type { Threads } from './threads.ts';

export interface AgentTiesRooms {
  readonly bus: Bus;
  readonly tenancy: () => Tenancy;
  readonly threads: Threads;
  readonly supervision: () => Supervision;
  readonly audit: HostAudit;
  readonly say: HostNews['say'];
}

/** Links and monitors between agents, as their manifests declare them. Those of an agent that ended are there again at once. */
export class AgentTies {
  readonly #rooms: AgentTiesRooms;
  #ties = new Ties<string>();
  readonly #declared = new Map<string, Declared>();
  /** How many manifests name an agent, its own included. */
  readonly #named = new Map<string, number>();

  constructor(rooms: AgentTiesRooms) {
    this.#rooms = rooms;
  }

  /** An agent came, has another version, or (undefined) is no more. */
  changed(name: string, spec: Spec | undefined): void {
    const before = this.#declared.get(name);
    if (spec === undefined && this.#named.has(name)) this.#spread(name, 'normal');
    if (before !== undefined) this.#count(name, before, -1);
    this.#declared.delete(name);
    const declared = spec?.manifest.supervision;
    if (declared !== undefined && hasTies(declared)) {
      this.#declared.set(name, declared);
      this.#count(name, declared, 1);
    }
    if (before === undefined) this.#tie(name);
    else this.#tieAll();
    if (spec !== undefined && this.#named.has(name)) this.#watch(name);
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
    const record = this.#rooms.tenancy().registry.get(name);
    if (record === undefined) return;
    const asked = { ids: [record.id], isTied: this.#named.has(name) };
    // One that is lost learns it when its agents are there again.
    this.#rooms.threads.handle(record.thread)?.post('tie', asked);
  }

  /** The agents of a lost thread are there again, on one that knows nothing of ties. */
  returned(thread: number): void {
    const { registry } = this.#rooms.tenancy();
    const names = [...this.#named.keys()].filter((name) => registry.get(name)?.thread === thread);
    for (const name of names) this.#watch(name);
    for (const agent of names) this.exited({ agent, why: 'its thread was lost' });
  }

  #tieAll(): void {
    this.#ties = new Ties();
    for (const name of this.#declared.keys()) this.#tie(name);
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
    if (this.#named.has(agent)) this.#spread(agent, why === undefined ? 'normal' : { why });
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
    for (const signal of signals) if (signal.kind !== 'exit') this.#tell(signal);
    ended.delete(first);
    for (const name of ended) this.#end(name, first, reason);
    this.#retie(new Set([first, ...ended]));
  }

  /** What their ends used up is there again. */
  #retie(ended: ReadonlySet<string>): void {
    for (const [name, { links, monitors }] of this.#declared) {
      for (const other of links) if (ended.has(name) || ended.has(other)) this.#ties.link(name, other);
      for (const other of monitors) if (ended.has(other)) this.#ties.monitor(name, other);
    }
  }

  #tell({ kind, to, from, reason }: Signal<string>): void {
    const { bus, tenancy, say } = this.#rooms;
    if (tenancy().registry.get(to) === undefined) return;
    const why = reason === 'normal' ? undefined : reason.why;
    const body = new TextEncoder().encode(JSON.stringify({ agent: from, ...(why !== undefined && { why }) }));
    const payload = { contentType: 'application/json', headers: [], body };
    const subject = kind === 'down' ? `down.${from}` : `exit.${from}`;
    const refused = (text: string): void => say('warn', `was not told of the end of ${from}: ${text}`, to);
    Promise.resolve(bus.send(outside, to, payload, { subject })).then(
      (accepted) => 'tag' in accepted && refused(accepted.tag),
      (thrown: unknown) => refused(String(thrown)),
    );
  }

  #end(name: string, from: string, reason: ExitReason): void {
    const { tenancy, threads, supervision, audit, say } = this.#rooms;
    const record = tenancy().registry.get(name);
    if (record === undefined) return;
    const why = `it is linked to ${from}, which ended: ${reason === 'normal' ? 'in good order' : reason.why}`;
    audit.supervised('', 'linked', name, why);
    say('warn', `ended: ${why}`, name);
    if (supervision().has(name)) void supervision().fail(name, why);
    // One that is removed meanwhile has ended.
    else
      tenancy()
        .located(name)
        .then(({ id, thread }) => threads.handle(thread)?.post('endLinked', { id, why }))
        .catch(() => {});
  }
}

function hasTies({ links, monitors }: Declared): boolean {
  return links.length > 0 || monitors.length > 0;
}
