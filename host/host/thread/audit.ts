import type { Agent, AgentNote } from '../../agent/agent.ts';
import type { LifeRecord } from '../../agent/life-record.ts';
import { type LifeNumber, life, lifecycleStates } from '../../agent/lifecycle.ts';
import type { Spec } from '../../agent/spec.ts';
import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { Delivery } from '../../bus/delivery.ts';
import type { Linker } from '../../engine/linker.ts';
import type { WasiGrants } from '../../engine/wasi/grants.ts';
import type { Outcome } from '../../outcome.ts';
import type { AuditLevel, RaisedLevel } from '../record/audit-level.ts';
import { AuditedLinker } from '../record/audited-linker.ts';
import { MessageRecord } from '../record/message-record.ts';
import { note } from '../record/note.ts';
import type { RecordNeeds } from '../record/record-needs.ts';
import { recordedReach } from '../record/recorded-reach.ts';

export interface ThreadAuditOptions {
  readonly pen: AuditPen;
  readonly level: AuditLevel;
  readonly agent: (id: number) => Agent | undefined;
  /** What policies want recorded of single messages. */
  readonly needs?: RecordNeeds;
}

/** What one thread's agents and its bus do, on the audit chain. */
export class ThreadAudit implements LifeRecord {
  readonly messages: MessageRecord;
  readonly #pen: AuditPen;
  readonly #level: AuditLevel;
  #raised: WeakMap<Agent, RaisedLevel> | undefined;
  #instances = 0;
  #exchanges = 0;

  constructor({ pen, level, agent, needs }: ThreadAuditOptions) {
    this.#pen = pen;
    this.#level = level;
    const isRaised = (id: number): boolean => {
      const sender = agent(id);
      return sender !== undefined && this.#levelOf(sender) !== 'security';
    };
    this.messages = new MessageRecord({ pen, level, isRaised, needs });
  }

  /** Messages can wait in their mailboxes: before senders have to be refused. */
  get isFull(): boolean {
    return this.#pen.isBehind;
  }

  get hasMessages(): boolean {
    return this.messages.hasMessages;
  }

  learnt({ manifest }: Spec): void {
    if (manifest.audit.level !== 'security') this.messages.hasMessages = true;
  }

  /** What policies that let an agent run want recorded of all that it does; undefined: nothing more. */
  raise(agent: Agent, level: RaisedLevel | undefined): void {
    if (level === undefined) this.#raised?.delete(agent);
    else {
      this.#raised ??= new WeakMap();
      this.#raised.set(agent, level);
      this.messages.hasMessages = true;
    }
  }

  /** Of the host, the agent and the policies the one that asks for most. */
  #levelOf(agent: Agent): AuditLevel {
    if (this.#level === 'all' || !this.messages.hasMessages) return this.#level;
    const { level } = agent.spec.manifest.audit;
    const raised = this.#raised?.get(agent);
    if (level === 'all' || raised === 'all') return 'all';
    return level === 'messages' || raised === 'messages' ? 'messages' : this.#level;
  }

  /** Stands for `invocation-started` too: the same moment, and the same names. */
  begun(agent: Agent, { message }: Delivery): void {
    if (this.#levelOf(agent) === 'security') return;
    const { id, subject, sender = '', body, attempt } = message;
    note(this.#pen, kinds.messageDelivered, agent.name, sender, id, subject, sender, body.length, attempt);
  }

  handled(agent: Agent, { message }: Delivery, outcome: Outcome): void {
    if (outcome.kind === 'ok' && !this.messages.hasMessages) return;
    this.#ended(agent, message.sender ?? '', message.id, outcome);
  }

  /** A request that a site answers begins. @returns what its end is told with */
  exchangeBegun(agent: Agent, name: string): string {
    this.#exchanges += 1;
    const invocation = `http-${this.#exchanges}`;
    if (this.#levelOf(agent) !== 'security')
      note(
        this.#pen,
        kinds.invocationStarted,
        agent.name,
        '',
        invocation,
        name,
        null,
        agent.spec.limits.fuelMax,
      );
    return invocation;
  }

  exchangeEnded(agent: Agent, invocation: string, outcome: Outcome): void {
    this.#ended(agent, '', invocation, outcome);
  }

  #ended(agent: Agent, principal: string, invocation: string, outcome: Outcome): void {
    const { name } = agent;
    if (outcome.kind === 'trap')
      note(this.#pen, kinds.trap, name, principal, outcome.trap, outcome.message, invocation);
    else if (outcome.kind === 'limit')
      note(this.#pen, kinds.limit, name, principal, outcome.limit, outcome.used, outcome.max, invocation);
    if (!this.messages.hasMessages) return;
    if (this.#levelOf(agent) === 'security') return;
    const { fuel, memoryBytes, wallMs } = outcome.usage;
    const durationNs = Math.round(wallMs * 1e6);
    note(
      this.#pen,
      kinds.invocationEnded,
      name,
      principal,
      invocation,
      outcome.kind,
      fuel <= Number.MAX_SAFE_INTEGER ? Number(fuel) : fuel,
      memoryBytes,
      durationNs,
    );
  }

  /** Something in an agent's life. */
  told(agent: Agent, what: AgentNote): void {
    const { name, delivery } = agent;
    const principal = delivery?.message.sender ?? '';
    const pen = this.#pen;
    if (what.kind === 'denied') this.#denied(name, principal, delivery, what.what, what.cure);
    else if (what.kind === 'ended') this.#left(agent, principal, what.reason);
    else if (what.kind === 'held' || what.kind === 'terminated' || what.kind === 'failed-over')
      note(pen, kinds.agentFailed, name, principal, what.why, agent.failed, what.kind);
    else if (what.kind === 'resumed' || what.kind === 'paused') return;
    // `agent-stopped` comes when its instance is gone.
    else if (what.kind === 'stopped' || what.kind === 'killed') return;
    else if (wellbeing.has(what.kind))
      note(pen, kinds.supervised, name, '', '', what.kind, 'why' in what ? what.why : '');
    else if (what.kind === 'refused')
      note(pen, kinds.agentFailed, name, principal, what.error.message, null, null);
    else if (what.kind === 'started') note(pen, kinds.agentStarted, name, principal, ++this.#instances);
    else if (this.#levelOf(agent) === 'security') return;
    else if (what.kind === 'hibernated') note(pen, kinds.agentHibernated, name, '', what.bytes, null);
    else note(pen, kinds.agentWoken, name, principal, null, null);
  }

  /** From one state of its life to another: what no other kind tells of, and at a higher level all of it. */
  turned(agent: Agent, from: LifeNumber, to: LifeNumber, why: string): void {
    // Of one that has an instance for each message, that is the end of each.
    const isWork = to === life.completed && agent.spec.manifest.execution.mode === 'ephemeral';
    const isAlways = (!isWork && ((1 << to) & toldAlways) !== 0) || from === life.suspended;
    if (!isAlways && this.#levelOf(agent) === 'security') return;
    const [was, is] = [lifecycleStates[from] ?? '', lifecycleStates[to] ?? ''];
    note(this.#pen, kinds.agentState, agent.name, '', was, is, why);
  }

  /** Its instance is gone. */
  #left({ name, spec, failed, lastError = '' }: Agent, principal: string, reason: string): void {
    const { policy } = spec.manifest.restart;
    if (reason !== 'failed') note(this.#pen, kinds.agentStopped, name, principal, reason);
    else note(this.#pen, kinds.agentFailed, name, principal, lastError, failed, policy);
  }

  /** What its manifest does not grant. */
  #denied(
    agent: string,
    principal: string,
    delivery: Delivery | undefined,
    what: string,
    cure: string,
  ): void {
    const [verb = '', target = ''] = splitOnce(what);
    const message = delivery?.message.id ?? null;
    if (verb === 'send' || verb === 'publish' || verb === 'subscribe')
      note(this.#pen, kinds.messageDenied, agent, principal, message, target, null, `${verb}: ${cure}`);
    else note(this.#pen, kinds.decision, agent, principal, verb, target, 'deny', [], cure, null);
  }

  /** What a program reaches through WASI; at level `all` its uses are recorded, as far as they lead out of it. */
  reachOf(agent: Agent, wasi: WasiGrants): WasiGrants {
    if (this.#levelOf(agent) !== 'all') return wasi;
    return recordedReach(
      wasi,
      () => agent.delivery,
      (name, outcome, detail) => {
        const principal = agent.delivery?.message.sender ?? '';
        note(this.#pen, kinds.hostCall, agent.name, principal, name, outcome, null, detail);
      },
    );
  }

  /** What a program reaches of the host; at level `all` every call is recorded. */
  linkerOf(agent: Agent, linker: Linker): Linker {
    if (this.#levelOf(agent) !== 'all') return linker;
    return new AuditedLinker(linker, (name, outcome, detail) =>
      note(
        this.#pen,
        kinds.hostCall,
        agent.name,
        agent.delivery?.message.sender ?? '',
        name,
        outcome,
        null,
        detail,
      ),
    );
  }
}

const toldAlways = (1 << life.suspended) | (1 << life.completed) | (1 << life.terminated);

/** What is told of an agent's circuit and health. */
const wellbeing: ReadonlySet<AgentNote['kind']> = new Set([
  'circuit-open',
  'circuit-half-open',
  'circuit-closed',
  'unhealthy',
  'unready',
  'ready',
] as const);

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
