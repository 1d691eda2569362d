import { readFile } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import { type SchedulerSettings, scoreFuelDefault } from '../../config/scheduler-settings.ts';
import { Budget } from '../../engine/budget.ts';
import { createEngine, type Program } from '../../engine/engine.ts';
import { instantiateFast } from '../../engine/fast-lane/fast-lane.ts';
import { Linker } from '../../engine/linker.ts';
import { Trap } from '../../engine/trap.ts';
import { HostError } from '../../errors.ts';
import { defaultLimits } from '../../limits.ts';
import type { RankFunction } from '../../scheduler/policies/custom.ts';
import type { Runnable, Scorer } from '../../scheduler/policies/scored.ts';
import { loadRank } from '../../scheduler/rank-module.ts';
import { systemFault } from '../../system-fault.ts';
import type { ThreadSettings } from '../thread/control.ts';

const policyInterface = 'motehost:scheduling/policy@0.1';
const exportPattern = /^motehost:scheduling\/policy@0\.1\.\d+#score$/;
const memoryBytesMax = 16 * 1024 * 1024;
/** A question has far less fuel than burns in that time. */
const deadlineMs = 1_000;

/**
 * The component of the policy `custom`, compiled for all threads; undefined: there is none.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND`, `HOST_ERR_CONFIG_INVALID` for one that exports no
 * `motehost:scheduling/policy`, imports anything, or has more to it than one module; else as `Engine.prepare`
 */
export async function loadPolicyProgram(
  { policy, component }: SchedulerSettings,
  cacheFolder: string | undefined,
  clock: Clock,
): Promise<Program | undefined> {
  if (policy !== 'custom' || component === undefined) return undefined;
  const bytes = await bytesOf(component);
  const engine = createEngine({ cacheFolder, clock });
  try {
    const program = engine.load(await engine.prepare(bytes));
    requirePolicy(program, component);
    return program;
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    if (thrown.code === 'HOST_ERR_CONFIG_INVALID') throw thrown;
    const { code, data } = thrown;
    throw new HostError(code, `the scheduler's component ${component}: ${thrown.message}`, data, thrown);
  } finally {
    await engine.close();
  }
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `the scheduler's component ${path} cannot be read: ${systemFault(cause)}; see component in [scheduler]`,
      { path },
      cause,
    );
  }
}

function requirePolicy({ facts }: Program, path: string): void {
  const wrong = (why: string): HostError =>
    new HostError('HOST_ERR_CONFIG_INVALID', `the scheduler's component ${path} ${why}`, { path });
  // Of what it imports only interfaces and functions are anything to be given.
  const imports = (facts.world?.imports ?? []).filter(({ kind }) => kind !== 'type').map(({ name }) => name);
  if (imports.length > 0)
    throw wrong(
      `imports ${imports.join(', ')}: a policy is a function of what it is asked, and is given nothing`,
    );
  const { plan } = facts;
  if (plan === undefined || facts.lane !== 'fast')
    throw wrong('is more than one core module with values for types; build it with one of the SDKs');
  if (!plan.exports.some(({ name }) => exportPattern.test(name)))
    throw wrong(`does not export ${policyInterface}: build it for a world that does`);
}

/**
 * A component's policy on one thread.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` when it cannot begin, or does not answer a question about nobody
 */
export async function openScorer(
  program: Program,
  { component = '', scoreFuelMax = scoreFuelDefault }: SchedulerSettings,
  clock: Clock,
): Promise<Scorer> {
  const { plan } = program.facts;
  const [module] = program.modules;
  const name = plan?.exports.find((one) => exportPattern.test(one.name))?.name;
  if (plan === undefined || module === undefined || name === undefined)
    throw new Error('bug: a policy that was not looked at');
  const limits = { ...defaultLimits, memoryBytesMax };
  const budget = new Budget({ limits, clock });
  try {
    const instance = await instantiateFast(plan, module, new Linker(), budget);
    // To begin it had what an agent has; a question has less.
    limits.fuelMax = scoreFuelMax;
    const score = (runnables: readonly Readonly<Runnable>[]): unknown => {
      budget.restart(deadlineMs);
      try {
        return instance.callSync(name, [runnables]);
      } catch (thrown) {
        throw new Error(wordsOf(thrown, budget));
      }
    };
    scoresOf(score([]), 0);
    const asked: Readonly<Runnable>[] = [];
    return (runnable) => {
      asked[0] = runnable;
      return scoresOf(score(asked), 1)[0] as number;
    };
  } catch (thrown) {
    throw new HostError(
      'HOST_ERR_CONFIG_INVALID',
      `the scheduler's component ${component} does not begin: ${wordsOf(thrown, budget)}`,
      { path: component },
      thrown,
    );
  }
}

/** What a policy of the operator's own asks. */
export interface Chooser {
  readonly rank?: RankFunction | undefined;
  readonly scorer?: Scorer | undefined;
}

/**
 * The function or the component of the policy `custom`; neither for all others.
 * @throws HostError `HOST_ERR_CONFIG_INVALID`
 */
export async function openChooser(
  { scheduler, policyProgram }: Pick<ThreadSettings, 'scheduler' | 'policyProgram'>,
  clock: Clock,
): Promise<Chooser> {
  if (policyProgram !== undefined) return { scorer: await openScorer(policyProgram, scheduler, clock) };
  return { rank: await loadRank(scheduler) };
}

function scoresOf(value: unknown, count: number): Int32Array {
  if (value instanceof Int32Array && value.length === count) return value;
  const given = value instanceof Int32Array ? `${value.length} scores` : 'something else';
  throw new Error(`it gave ${given} for ${count}`);
}

function wordsOf(thrown: unknown, { cause }: Budget): string {
  if (cause?.kind === 'limit')
    return `it used more than ${cause.limit} allows, which is ${cause.max}; see score-fuel in [scheduler]`;
  if (thrown instanceof Trap) return `it trapped (${thrown.message})`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
