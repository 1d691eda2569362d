import { HostError } from '../errors.ts';
import type { Table } from '../manifest/table.ts';
import { nearest } from '../nearest.ts';
import { PolicyBoard } from './board.ts';
import type { PolicyFile } from './compile.ts';
import { conditionText, parseConditions } from './condition.ts';
import { Decider, type WallClock } from './decider.ts';
import { type Decision, type DecisionKind, decisionKinds } from './decision.ts';
import { type KnownEntity, parseEntity } from './entity.ts';
import type { ContextValue, PolicyContext, PolicyRequest } from './request.ts';
import type { PolicySet } from './rule.ts';
import type { PolicySource } from './source.ts';
import { entitiesOf, tomlOf } from './toml.ts';
import { type ActionName, actionNames, contextType, isActionName } from './vocabulary.ts';

/** One request and how it has to be decided. */
export interface PolicyCase {
  readonly name: string;
  readonly request: PolicyRequest;
  /** When it is asked, in milliseconds since the epoch; undefined: when the test runs. */
  readonly atMs: number | undefined;
  readonly expected: DecisionKind;
  /** The policies that have to determine it, all of them and no others; undefined: any. */
  readonly policies: readonly string[] | undefined;
  readonly conditions: readonly string[] | undefined;
}

/** The cases of one file, and what they hold to be known of entities beside what the folder says. */
export interface CaseFile {
  readonly name: string;
  readonly entities: readonly KnownEntity[];
  readonly cases: readonly PolicyCase[];
}

/** How a case came out; no faults: as expected. */
export interface CaseResult {
  readonly name: string;
  readonly decision: Decision;
  readonly faults: readonly string[];
}

/** Reads `NAME.test.toml`. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_POLICY_INVALID` */
export function readCases(file: PolicyFile): CaseFile {
  const table = tomlOf(file).only(['entity', 'case']);
  const cases = table.tables('case').map((one, index) => caseOf(one, index));
  if (cases.length === 0) throw table.fault('case', 'no [[case]] in it');
  return { name: file.name, entities: entitiesOf(table), cases };
}

const keys = ['name', 'principal', 'action', 'resource', 'context', 'at', 'expect', 'policies', 'conditions'];

function caseOf(table: Table, index: number): PolicyCase {
  table.only(keys);
  const action = actionOf(table.text('action') ?? '', table.path);
  const expected = decisionKinds.find((kind) => kind === table.value('expect'));
  if (expected === undefined) throw table.wrong('expect', `one of ${decisionKinds.join(', ')}`);
  return {
    name: table.text('name') ?? `case ${index + 1}`,
    request: {
      principal: parseEntity(table.text('principal') ?? '', table.path),
      action,
      resource: parseEntity(table.text('resource') ?? '', table.path),
      context: contextOf(table.table('context'), action),
    },
    atMs: timeOf(table),
    expected,
    policies: table.has('policies') ? table.texts('policies', 'orders.cedar#send') : undefined,
    conditions: conditionsOf(table),
  };
}

/** @throws HostError `HOST_ERR_POLICY_INVALID` with the nearest action */
export function actionOf(text: string, source: string): ActionName {
  if (isActionName(text)) return text;
  throw new HostError(
    'HOST_ERR_POLICY_INVALID',
    `${source}: no action '${text}'${nearest(text, actionNames)}; there are ${actionNames.join(', ')}`,
    { source },
  );
}

function contextOf(table: Table, action: ActionName): PolicyContext {
  const context: Record<string, ContextValue> = {};
  for (const [name, value] of table.entries()) {
    const type = contextType(action, name);
    if (type === undefined || type === 'Time')
      throw table.fault(name, `the context of ${action} has no '${name}'; a time is set with at = …`);
    context[name] = value as ContextValue;
  }
  return context;
}

function timeOf(table: Table): number | undefined {
  const value = table.value('at');
  if (value === undefined) return undefined;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  throw table.wrong('at', 'a time, such as 2026-12-31T18:00:00Z');
}

function conditionsOf(table: Table): readonly string[] | undefined {
  const text = table.text('conditions');
  if (text === undefined) return undefined;
  const conditions = parseConditions(text);
  if (typeof conditions === 'string') throw table.wrong('conditions', `conditions; ${conditions}`);
  return conditions.map(conditionText).sort();
}

/** Decides every case of a file by the policies. */
export function runCases(file: CaseFile, set: PolicySet, clock: WallClock): readonly CaseResult[] {
  const board = new PolicyBoard();
  board.putEntities(file.entities);
  board.publish(set);
  try {
    const byTime = Map.groupBy(file.cases, ({ atMs }) => atMs);
    const results = new Map([...byTime].flatMap(([atMs, cases]) => runAt(atMs, cases, board, clock)));
    return file.cases.flatMap((one) => results.get(one) ?? []);
  } finally {
    board.close();
  }
}

/** A decider for each time: for one, time does not go back. */
function runAt(
  atMs: number | undefined,
  cases: readonly PolicyCase[],
  source: PolicySource,
  clock: WallClock,
): (readonly [PolicyCase, CaseResult])[] {
  const wallNs = (): bigint => (atMs === undefined ? clock.wallNs() : BigInt(atMs) * 1_000_000n);
  const decider = new Decider({ source, clock: { wallNs } });
  try {
    return cases.map((one) => {
      const decision = decider.decide(one.request);
      return [one, { name: one.name, decision, faults: faultsOf(one, decision) }] as const;
    });
  } finally {
    decider.close();
  }
}

function faultsOf(one: PolicyCase, decision: Decision): string[] {
  const faults: string[] = [];
  if (decision.kind !== one.expected)
    faults.push(`expected ${one.expected}, got ${decision.kind}: ${decision.reason}`);
  if (one.policies !== undefined && [...one.policies].sort().join() !== decision.policies.join())
    faults.push(`expected the policies ${list(one.policies)}, got ${list(decision.policies)}`);
  const conditions = decision.conditions.map(conditionText).sort();
  if (one.conditions !== undefined && one.conditions.join('; ') !== conditions.join('; '))
    faults.push(`expected the conditions ${list(one.conditions)}, got ${list(conditions)}`);
  return faults;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
