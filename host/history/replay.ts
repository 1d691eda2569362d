import type { Clock } from '../clock.ts';
import { Budget } from '../engine/budget.ts';
import type { Engine, Launched } from '../engine/engine.ts';
import type { Program } from '../engine/program.ts';
import type { WasiGrants } from '../engine/wasi/grants.ts';
import { defaultLimits } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { type CallText, Player } from './player.ts';
import type { LifeFacts } from './recorder.ts';
import { type TurnEnd, turnEnd } from './turn-end.ts';
import type { HistoryRecord, Names, Turn } from './turns.ts';
import { ValueWriter } from './value-writer.ts';

/** What came of running one turn again. */
export interface Replayed {
  /** From 0, among all turns of the agent. */
  readonly turn: number;
  /** From 0, among the agent's lives in the history. */
  readonly life: number;
  readonly exported: string;
  readonly argument: unknown;
  readonly before: TurnEnd;
  readonly now: TurnEnd;
  /** Calls of host functions that were equal. */
  readonly calls: number;
  /** `same`; `cut`: the host ended it then, and it is equal up to there; `diverged`. */
  readonly kind: 'same' | 'cut' | 'diverged';
  readonly divergence: TurnDivergence | undefined;
}

export type TurnDivergence =
  | {
      readonly at: 'call';
      readonly call: number;
      readonly expected: CallText | undefined;
      readonly found: CallText | undefined;
    }
  | {
      readonly at: 'end';
      readonly field: keyof TurnEnd;
      readonly expected: unknown;
      readonly found: unknown;
    };

/** A turn that cannot be run again, and why. */
export interface Unreplayed {
  readonly turn: number;
  readonly kind: 'unreplayed';
  readonly reason: string;
}

export interface ReplayOptions {
  readonly engine: Pick<Engine, 'launch'>;
  /** The program of a life; another one than it had, to see what that does. @throws HostError */
  readonly programOf: (facts: LifeFacts) => Promise<Program>;
  readonly clock: Clock;
  readonly grants: WasiGrants;
  /** What an outcome of a call was. */
  readonly judge: (budget: Budget, act: () => Promise<unknown>) => Promise<Outcome>;
}

/** Units between two looks; any number gives the same fuel. */
const fuelSlice = 20_000n;
/** Milliseconds of one turn; its own deadline was its host's. */
const turnMsMax = 600_000;
const endBytesMax = 64 * 1024 * 1024;
const noNames: Names = { functions: [], suspending: [] };

/** Runs an agent's history again, life by life and turn by turn, and says of each turn whether it is the same. */
export class Replay {
  readonly #options: ReplayOptions;
  #life: Life | undefined;
  #facts: LifeFacts | undefined;
  #names = noNames;
  #lives = -1;
  #turns = 0;
  #broken = 'the history begins in the middle of a life of the agent';

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** @throws HostError as `programOf` and `Engine.launch` */
  async next(record: HistoryRecord): Promise<Replayed | Unreplayed | undefined> {
    switch (record.kind) {
      case 'life':
        await this.close();
        this.#facts = record.facts;
        this.#lives += 1;
        return undefined;
      case 'names':
        this.#names = record.names;
        return undefined;
      case 'over':
        await this.close();
        this.#broken = 'its agent was not started again';
        return undefined;
      case 'cut':
        await this.close();
        this.#broken = `a turn of this life before it was not recorded: ${record.reason}`;
        return this.#refuse(record.reason);
      default:
        return this.#turn(record);
    }
  }

  #refuse(reason: string): Unreplayed {
    this.#turns += 1;
    return { turn: this.#turns - 1, kind: 'unreplayed', reason };
  }

  async #turn(turn: Turn): Promise<Replayed | Unreplayed> {
    if (this.#facts === undefined) return this.#refuse(this.#broken);
    this.#life ??= await Life.begin(this.#options, this.#facts, this.#names, turn);
    const replayed = await this.#life.play(turn, this.#turns, this.#lives);
    this.#turns += 1;
    if (replayed.kind === 'diverged') {
      await this.close();
      this.#broken = 'a turn of this life before it was not the same';
    }
    return replayed;
  }

  /** Ends the instance that is under way. */
  async close(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#facts = undefined;
    await life?.end();
  }
}

/** One instance that lives again. */
class Life {
  readonly #launched: Launched;
  readonly #budget: Budget;
  readonly #player: Player;
  readonly #judge: ReplayOptions['judge'];
  /** Those of the budget, which looks at them whenever it grants fuel. */
  readonly #limits: { fuelMax: bigint };

  private constructor(
    launched: Launched,
    budget: Budget,
    player: Player,
    limits: { fuelMax: bigint },
    judge: ReplayOptions['judge'],
  ) {
    this.#launched = launched;
    this.#limits = limits;
    this.#budget = budget;
    this.#player = player;
    this.#judge = judge;
  }

  static async begin(options: ReplayOptions, facts: LifeFacts, names: Names, first: Turn): Promise<Life> {
    const program = await options.programOf(facts);
    const limits = { ...defaultLimits, ...facts.limits, deadlineMs: turnMsMax };
    const budget = new Budget({ limits, clock: options.clock, fuelSlice });
    const player = new Player(() => budget.stop({ kind: 'cancelled', reason: 'as before' }));
    player.play(first.before);
    const launched = await options.engine.launch(program, player.linker(names), budget, options.grants);
    return new Life(launched, budget, player, limits, options.judge);
  }

  async play(turn: Turn, number: number, life: number): Promise<Replayed> {
    const isOpen = isHostsDoing(turn.end);
    const player = this.#player;
    player.play(turn.steps, isOpen);
    // Nothing says when it was ended but what it had used by then; a life ends with such a turn.
    if (isOpen) this.#limits.fuelMax = turn.end.fuel;
    this.#budget.restart(turnMsMax);
    const argument = player.read(turn.argument);
    const outcome = await this.#judge(this.#budget, () =>
      this.#launched.instance.call(turn.exported, [argument]),
    );
    const now = turnEnd(outcome);
    const divergence = player.finish();
    const found: TurnDivergence | undefined =
      divergence === undefined
        ? isOpen
          ? undefined
          : endDivergence(turn.end, now)
        : { at: 'call', call: divergence.step, expected: divergence.expected, found: divergence.found };
    return {
      turn: number,
      life,
      exported: turn.exported,
      argument,
      before: turn.end,
      now,
      calls: player.step,
      kind: found === undefined ? (isOpen ? 'cut' : 'same') : 'diverged',
      divergence: found,
    };
  }

  async end(): Promise<void> {
    this.#launched.instance.dispose();
    await this.#launched.release();
  }
}

/** Ends that depend on time, on somebody else, or on what the host wrote for the agent. */
function isHostsDoing({ kind, why }: TurnEnd): boolean {
  return kind === 'cancelled' || (kind === 'limit' && (why === 'deadlineMs' || why === 'outputBytesMax'));
}

const fields: readonly (keyof TurnEnd)[] = ['kind', 'why', 'value', 'fuel', 'memoryBytes'];

/** A trap after a denial counts as the denial, which no replay meets. */
function endDivergence(expected: TurnEnd, found: TurnEnd): TurnDivergence | undefined {
  const isDenial = expected.kind === 'denied' && found.kind === 'trap';
  const compared = isDenial ? fields.filter((one) => one !== 'kind' && one !== 'why') : fields;
  const field = compared.find((one) => !isSame(expected[one], found[one]));
  return field === undefined
    ? undefined
    : { at: 'end', field, expected: expected[field], found: found[field] };
}

function isSame(left: unknown, right: unknown): boolean {
  return Buffer.compare(bytesOf(left), bytesOf(right)) === 0;
}

function bytesOf(value: unknown): Uint8Array {
  const writer = new ValueWriter(endBytesMax);
  writer.value(value);
  return writer.bytes;
}
