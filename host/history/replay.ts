import type { Clock } from '../clock.ts';
import { Budget } from '../engine/budget.ts';
import type { Engine, Launched, Resident } from '../engine/engine.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
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
  readonly engine: Pick<Engine, 'launch' | 'enter' | 'wake'>;
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
      case 'back':
        return this.#goBack();
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

  async #goBack(): Promise<undefined> {
    if (this.#life === undefined || (await this.#life.goBack(this.#names))) return undefined;
    await this.close();
    this.#broken = 'its state from before a turn is to go on, and this version cannot save one';
    return undefined;
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

/** One instance that lives again, or several, one after the other, that go on with its state. */
class Life {
  readonly #options: ReplayOptions;
  readonly #program: Program;
  readonly #facts: LifeFacts;
  readonly #player: Player;
  #launched: Launched;
  #budget: Budget;
  /** Those of the budget, which looks at them whenever it grants fuel. */
  #limits: { fuelMax: bigint };
  /** From before the last turn, of a life that may go back to it. */
  #before: Snapshot | undefined;

  private constructor(
    options: ReplayOptions,
    program: Program,
    facts: LifeFacts,
    player: Player,
    parts: BudgetParts,
    launched: Launched,
  ) {
    this.#options = options;
    this.#program = program;
    this.#facts = facts;
    this.#player = player;
    this.#budget = parts.budget;
    this.#limits = parts.limits;
    this.#launched = launched;
  }

  static async begin(options: ReplayOptions, facts: LifeFacts, names: Names, first: Turn): Promise<Life> {
    const program = await options.programOf(facts);
    const { engine, grants } = options;
    let life: Life | undefined;
    const player = new Player(() => (life === undefined ? parts.budget : life.#budget).stop(asBefore));
    const parts = budgetOf(options, facts, player);
    player.play(first.before);
    const linker = player.linker(names);
    const launched =
      facts.goesBack === true
        ? await engine.enter(program, linker, parts.budget, grants)
        : await engine.launch(program, linker, parts.budget, grants);
    life = new Life(options, program, facts, player, parts, launched);
    return life;
  }

  /** Goes on with the state from before the last turn; false: there is none. */
  async goBack(names: Names): Promise<boolean> {
    const before = this.#before;
    if (before === undefined) return false;
    await this.end();
    this.#player.forgetWaiting();
    const { engine, grants } = this.#options;
    const { budget, limits } = budgetOf(this.#options, this.#facts, this.#player);
    this.#budget = budget;
    this.#limits = limits;
    this.#launched = await engine.wake(this.#program, before, this.#player.linker(names), budget, grants);
    return true;
  }

  #save(): void {
    const launched = this.#launched;
    this.#before =
      this.#facts.goesBack === true && 'save' in launched && (launched as Resident).saveable.possible
        ? (launched as Resident).save()
        : undefined;
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
    this.#save();
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

interface BudgetParts {
  readonly budget: Budget;
  readonly limits: { fuelMax: bigint };
}

const asBefore = { kind: 'cancelled', reason: 'as before' } as const;

function budgetOf({ clock }: ReplayOptions, facts: LifeFacts, player: Player): BudgetParts {
  const limits = { ...defaultLimits, ...facts.limits, deadlineMs: turnMsMax };
  const growthWatch = { decide: player.grow };
  // Nobody else wants the thread: a program that is not on the stack waits.
  const yieldMs = Number.POSITIVE_INFINITY;
  return { budget: new Budget({ limits, clock, fuelSlice, yieldMs, growthWatch }), limits };
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
