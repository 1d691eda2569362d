import type { Clock } from '../clock.ts';
import { Budget } from '../engine/budget.ts';
import type { Engine, Launched } from '../engine/engine.ts';
import type { Program } from '../engine/program.ts';
import type { WasiGrants } from '../engine/wasi/grants.ts';
import { HostError } from '../errors.ts';
import { defaultLimits } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { type CallText, type Happening, Player } from './player.ts';
import type { LifeFacts } from './recorder.ts';
import { type TurnEnd, turnEnd } from './turn-end.ts';
import { type HistoryRecord, type Names, noNames, type Turn } from './turns.ts';
import { ValueWriter } from './value-writer.ts';

/** What came of running one turn again. */
export interface Replayed {
  /** From 1, among all turns that the history has of the agent. */
  readonly turn: number;
  /** From 1, among the agent's lives in the history. */
  readonly life: number;
  /** When it was written down, milliseconds since 1970. */
  readonly atMs: number;
  readonly exported: string;
  readonly argument: unknown;
  readonly before: TurnEnd;
  readonly now: TurnEnd;
  /** Calls of host functions that were equal. */
  readonly calls: number;
  /** `same`; `cut`: the host ended it then, and it is equal up to there; `diverged`. */
  readonly kind: 'same' | 'cut' | 'diverged';
  readonly divergence: TurnDivergence | undefined;
  /** Of a turn that was looked at from close up: all that happened in it, `happeningsMax` at most. */
  readonly happened: readonly Happening[] | undefined;
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
  /** `programOf` gives another version: fuel and memory are its own, and no divergence. */
  readonly isOther?: boolean;
  /** Which turns are looked at from close up. */
  readonly closeUp?: (turn: number) => boolean;
}

/** Units between two looks; any number gives the same fuel. */
const fuelSlice = 20_000n;
/** Milliseconds of one turn; its own deadline was its host's. */
const turnMsMax = 600_000;
const endBytesMax = 64 * 1024 * 1024;

/** Runs an agent's history again, life by life and turn by turn, and says of each turn whether it is the same. */
export class Replay {
  readonly #options: ReplayOptions;
  #life: Life | undefined;
  #facts: LifeFacts | undefined;
  #names = noNames;
  #lives = 0;
  #turns = 0;
  #broken = 'the history begins in the middle of a life of its agent';

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
        if (record.names.isFresh) this.#life?.goOnElsewhere();
        return undefined;
      case 'over':
        await this.close();
        this.#broken = 'its agent was not started again';
        return undefined;
      case 'gap':
        await this.close();
        this.#broken = 'the disk took nothing for a while, and what this agent did then is not known';
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
    return { turn: this.#turns, kind: 'unreplayed', reason };
  }

  async #turn(turn: Turn): Promise<Replayed | Unreplayed> {
    if (this.#facts === undefined) return this.#refuse(this.#broken);
    if (this.#life === undefined) {
      try {
        this.#life = await Life.begin(this.#options, this.#facts, this.#names, turn);
      } catch (thrown) {
        return this.#unlaunched(thrown);
      }
    } else await this.#life.between(turn);
    this.#turns += 1;
    const replayed = await this.#life.play(turn, this.#turns, this.#lives);
    if (!goesOn(replayed)) {
      await this.close();
      this.#broken = `turn ${replayed.turn} ended this life, which it did not then`;
    }
    return replayed;
  }

  /** Another version may want what this one was never given. */
  async #unlaunched(thrown: unknown): Promise<Unreplayed> {
    if (this.#options.isOther !== true || !(thrown instanceof HostError)) throw thrown;
    await this.close();
    this.#broken = `the other version does not start: ${thrown.message}`;
    return this.#refuse(this.#broken);
  }

  /** Ends the instance that is under way. */
  async close(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#facts = undefined;
    await life?.end();
  }
}

/** Whether the instance can be told what came next: whatever it did, it lives now as it lived then. */
function goesOn({ kind, divergence, before, now }: Replayed): boolean {
  if (kind !== 'diverged') return true;
  if (divergence?.at === 'call') return false;
  return isAlive(now) || !isAlive(before);
}

function isAlive({ kind }: TurnEnd): boolean {
  return kind === 'ok' || kind === 'error';
}

/** One instance that lives again. */
class Life {
  readonly #launched: Launched;
  readonly #budget: Budget;
  readonly #player: Player;
  readonly #options: ReplayOptions;
  /** Those of the budget, which looks at them whenever it grants fuel. */
  readonly #limits: { fuelMax: bigint };

  private constructor(
    launched: Launched,
    budget: Budget,
    player: Player,
    limits: { fuelMax: bigint },
    options: ReplayOptions,
  ) {
    this.#launched = launched;
    this.#limits = limits;
    this.#budget = budget;
    this.#player = player;
    this.#options = options;
  }

  static async begin(options: ReplayOptions, facts: LifeFacts, names: Names, first: Turn): Promise<Life> {
    const program = await options.programOf(facts);
    const limits = { ...defaultLimits, ...facts.limits, deadlineMs: turnMsMax };
    const player = new Player(() => budget.stop({ kind: 'cancelled', reason: 'as before' }));
    const growthWatch = { decide: player.grow };
    // Nobody else wants the thread: a program that is not on the stack waits.
    const yieldMs = Number.POSITIVE_INFINITY;
    const budget = new Budget({ limits, clock: options.clock, fuelSlice, yieldMs, growthWatch });
    player.play(first.before);
    const launched = await options.engine.launch(program, player.linker(names), budget, options.grants);
    return new Life(launched, budget, player, limits, options);
  }

  /** What came since the turn before. */
  between(turn: Turn): Promise<void> {
    return this.#player.between(turn.before);
  }

  async play(turn: Turn, number: number, life: number): Promise<Replayed> {
    const isOpen = isHostsDoing(turn.end);
    const player = this.#player;
    const { isOther = false, closeUp, judge } = this.#options;
    const happened: Happening[] | undefined = closeUp?.(number) === true ? [] : undefined;
    player.play(turn.steps, isOpen, happened);
    // Nothing says when it was ended but what it had used by then; a life ends with such a turn.
    if (isOpen) this.#limits.fuelMax = turn.end.fuel;
    this.#budget.restart(turnMsMax);
    const argument = player.read(turn.argument);
    const outcome = await judge(this.#budget, () => this.#launched.instance.call(turn.exported, [argument]));
    const now = asThen(turn.end, turnEnd(outcome));
    const early = player.finish();
    const found: TurnDivergence | undefined =
      early === undefined
        ? isOpen
          ? undefined
          : endDivergence(turn.end, now, isOther)
        : { at: 'call', call: early.step, expected: early.expected, found: early.found };
    return {
      turn: number,
      life,
      atMs: turn.atMs,
      exported: turn.exported,
      argument,
      before: turn.end,
      now,
      calls: player.calls,
      kind: found === undefined ? (isOpen ? 'cut' : 'same') : 'diverged',
      divergence: found,
      happened,
    };
  }

  /** The life went on in another run of the host, in which nothing waited. */
  goOnElsewhere(): void {
    this.#player.forgetWaiting();
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

const said: readonly (keyof TurnEnd)[] = ['kind', 'why', 'value'];
const fields: readonly (keyof TurnEnd)[] = [...said, 'fuel', 'memoryBytes'];

/** A program that traps where it was denied something was denied it: nothing is denied where nothing is reached. */
function asThen(expected: TurnEnd, found: TurnEnd): TurnEnd {
  const isDenial = expected.kind === 'denied' && found.kind === 'trap';
  return isDenial ? { ...found, kind: 'denied', why: expected.why } : found;
}

function endDivergence(expected: TurnEnd, found: TurnEnd, isOther: boolean): TurnDivergence | undefined {
  const compared = isOther ? said : fields;
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
