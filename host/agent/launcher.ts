import type { Budget } from '../engine/budget.ts';
import { type Engine, mayReachWasi, type Resident } from '../engine/engine.ts';
import type { Linker } from '../engine/linker.ts';
import type { WasiGrants } from '../engine/wasi/grants.ts';
import { HostError } from '../errors.ts';
import { RecordedLinker } from '../history/recorded-linker.ts';
import type { Agent, Launch, Saved } from './agent.ts';
import type { ColdStates } from './cold-states.ts';
import type { MemoryRoom } from './memory-room.ts';

export interface LauncherOptions {
  readonly engine: Pick<Engine, 'enter' | 'wake'>;
  readonly room: MemoryRoom;
  readonly cold: ColdStates;
  /** What the agent can reach of the host. */
  readonly link: (agent: Agent, budget: Budget) => Linker;
  readonly wasi: (agent: Agent, budget: Budget) => WasiGrants;
  /** Opens the account of what it may use in the long run, before it uses anything. */
  readonly account: (agent: Agent) => void;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Why an agent begins anew although its state was saved. */
  readonly onLost: (agent: Agent, error: HostError) => void;
}

/** Brings agents into memory: where they left it, or as they begin. */
export class Launcher {
  readonly #options: LauncherOptions;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /**
   * What was saved stays where it is when this fails. A state that is damaged, or another version's, is given up.
   * @throws HostError as `MemoryRoom.enter`, `Engine.enter` and `Engine.wake`
   */
  async launch(agent: Agent, saved: Saved | undefined, budget: Budget, deadlineMs: number): Promise<Launch> {
    const { engine, room, link, wasi, account } = this.#options;
    account(agent);
    const { program } = agent.spec;
    const { recorder } = agent;
    const own = link(agent, budget);
    const linker = recorder === undefined ? own : new RecordedLinker(own, recorder);
    const grants = mayReachWasi(program) ? wasi(agent, budget) : undefined;
    const woken = saved && (await this.#wake(agent, saved, linker, grants, budget, deadlineMs));
    const resident =
      woken ??
      (await this.#begin(agent, () =>
        room.enter(() => engine.enter(program, linker, budget, grants), deadlineMs),
      ));
    if (saved?.kind === 'cold') await this.#outdate(agent, resident);
    return { resident, isWoken: woken !== undefined };
  }

  #begin(agent: Agent, enter: () => Promise<Resident>): Promise<Resident> {
    const { digest } = agent.spec.program.facts;
    const goesBack = agent.spec.manifest.errors.state === 'saved';
    agent.recorder?.begins({
      digest,
      limits: { ...agent.spec.limits },
      atMs: this.#options.wallMs(),
      ...(goesBack && { goesBack }),
    });
    return enter();
  }

  /** Undefined: there is no state to go on with. */
  async #wake(
    agent: Agent,
    saved: Saved,
    linker: Linker,
    grants: WasiGrants | undefined,
    budget: Budget,
    deadlineMs: number,
  ): Promise<Resident | undefined> {
    const { engine, room, cold } = this.#options;
    const { program } = agent.spec;
    const asleep = saved.kind === 'cold' ? await cold.read(agent.name) : saved;
    if (asleep === undefined) return undefined;
    try {
      return await room.enter(() => engine.wake(program, asleep, linker, budget, grants), deadlineMs);
    } catch (thrown) {
      if (!isUnusable(thrown)) throw thrown;
      this.#options.onLost(agent, thrown);
      return undefined;
    }
  }

  /** What lies on disk must be gone before the agent does anything. */
  async #outdate(agent: Agent, resident: Resident): Promise<void> {
    try {
      await this.#options.cold.drop(agent.name);
    } catch (thrown) {
      resident.instance.dispose();
      await resident.release();
      throw thrown;
    }
  }
}

function isUnusable(thrown: unknown): thrown is HostError {
  return (
    thrown instanceof HostError &&
    (thrown.code === 'HOST_ERR_SNAPSHOT_CORRUPT' || thrown.code === 'HOST_ERR_SNAPSHOT_MISMATCH')
  );
}
