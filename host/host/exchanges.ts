import type * as http from 'node:http';
import type { Agent } from '../agent/agent.ts';
import { invoke } from '../agent/invoke.ts';
import type { MemoryRoom } from '../agent/memory-room.ts';
import type { Clock } from '../clock.ts';
import type { Budget, Turn } from '../engine/budget.ts';
import { type Engine, httpExportOf } from '../engine/engine.ts';
import type { Linker } from '../engine/linker.ts';
import type { AllocationMeter } from './report/allocation-meter.ts';
import type { ThreadAudit } from './thread/audit.ts';
import type { GuestRooms } from './thread/guest-rooms.ts';

export interface ExchangesRooms {
  readonly engine: Engine;
  readonly allocations: AllocationMeter;
  readonly room: MemoryRoom;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly agent: (id: number) => Agent | undefined;
  readonly link: (agent: Agent, budget: Budget) => Linker;
  readonly wasi: GuestRooms['wasi'];
  /** A request of an agent was dealt with. */
  readonly ended: (id: number) => void;
  /** Undefined: the host keeps no audit chain. */
  readonly audit: ThreadAudit | undefined;
}

/** Milliseconds after which what a guest still does is ended, once its answer is out: its place is free by then. */
const afterAnswerMsMax = 2_000;
const nothing = (): void => {};

/** HTTP requests that agents of a thread answer, each in an instance of its own. */
export class Exchanges {
  readonly #rooms: ExchangesRooms;

  constructor(rooms: ExchangesRooms) {
    this.#rooms = rooms;
  }

  async serve(id: number, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { engine, room, clock, turn, link, wasi, audit, allocations } = this.#rooms;
    const agent = this.#rooms.agent(id);
    const name = agent && httpExportOf(agent.spec.program.facts.main);
    if (agent === undefined || name === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { limits, program } = agent.spec;
    const begun = audit?.exchangeBegun(agent, name);
    const gone = new AbortController();
    const ended = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort('the client went away');
      else clock.sleep(afterAnswerMsMax, ended.signal).then(() => gone.abort('its answer is out'), nothing);
    });
    const { outcome, denials } = await invoke({
      limits,
      clock,
      turn,
      turnKey: id,
      signal: gone.signal,
      isFallible: true,
      launch: (budget) =>
        allocations.launch(() =>
          room.enter(
            () => engine.enter(program, link(agent, budget), budget, wasi(agent, budget)),
            limits.deadlineMs,
          ),
        ),
      call: async ({ serve }) => {
        if (serve === undefined) throw new Error('bug: a program that serves HTTP without WASI');
        return serve(name, request, response);
      },
    });
    ended.abort();
    if (begun !== undefined) audit?.exchangeEnded(agent, begun, outcome);
    agent.countExchange(outcome, denials);
    this.#rooms.ended(id);
  }
}
