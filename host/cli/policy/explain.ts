import type { Clock } from '../../clock.ts';
import { HostError, plainText } from '../../errors.ts';
import {
  type ActionName,
  actionOf,
  conditionText,
  contextType,
  type Explanation,
  explain,
  invalidPolicies,
  isAllowed,
  type Nearest,
  type PolicyContext,
  PolicyReader,
  type PolicyRequest,
  parseEntity,
  type Rule,
} from '../../host/policy/policy.ts';
import { formatPairs } from '../client/table.ts';
import { exitCodes } from '../exit-code.ts';

export interface ExplainWords {
  readonly principal?: string | undefined;
  readonly action?: string | undefined;
  readonly resource?: string | undefined;
  readonly context?: string | undefined;
  readonly at?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Prints how a request is decided, by what, and what was missing. */
export function explainRequest(folder: string, words: ExplainWords, clock: Clock): number {
  const request = requestOf(words);
  const atMs = words.at === undefined ? undefined : timeOf(words.at);
  const { set, faults } = new PolicyReader().read(folder);
  if (set === undefined) throw invalidPolicies(folder, faults);
  const wallNs = (): bigint => (atMs === undefined ? clock.wallNs() : BigInt(atMs) * 1_000_000n);
  const explanation = explain(set, request, { wallNs });
  const text = words.json === true ? `${JSON.stringify(jsonOf(explanation))}\n` : textOf(explanation);
  process.stdout.write(text);
  return isAllowed(explanation.decision) ? exitCodes.ok : exitCodes.denied;
}

function requestOf(words: ExplainWords): PolicyRequest {
  const action = actionOf(required(words, 'action'), '--action');
  return {
    principal: parseEntity(required(words, 'principal'), '--principal'),
    action,
    resource: parseEntity(required(words, 'resource'), '--resource'),
    context: contextOf(words.context ?? '{}', action),
  };
}

function required(words: ExplainWords, flag: 'principal' | 'action' | 'resource'): string {
  const word = words[flag];
  if (word !== undefined) return word;
  throw new HostError('HOST_ERR_CLI_USAGE', `host policy explain needs --${flag}; see host policy --help`, {
    flag,
  });
}

function contextOf(text: string, action: ActionName): PolicyContext {
  const context = parsed(text);
  for (const name of Object.keys(context)) {
    const type = contextType(action, name);
    if (type === undefined || type === 'Time')
      throw new HostError(
        'HOST_ERR_CLI_USAGE',
        `--context: ${action} has no '${name}'; a time is set with --at`,
        {
          name,
        },
      );
  }
  return context;
}

function parsed(text: string): PolicyContext {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HostError('HOST_ERR_CLI_USAGE', `--context: no JSON: ${String(cause)}`, {}, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as PolicyContext;
  throw new HostError('HOST_ERR_CLI_USAGE', `--context: not an object; write for example '{"bytes": 100}'`);
}

function timeOf(text: string): number {
  const atMs = Date.parse(text);
  if (!Number.isNaN(atMs)) return atMs;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--at: '${text}' is no time; write for example 2026-12-31T18:00:00Z`,
  );
}

function textOf({ decision, rules, nearest }: Explanation): string {
  const pairs: (readonly [string, string])[] = [
    ['decision', decision.kind],
    ['because', decision.reason],
    ...decision.conditions.map((condition) => ['bound to', conditionText(condition)] as const),
    ['recorded', decision.audit],
    ...rules.map((rule) => ['by', `${rule.id} (${rule.effect}, ${placeOf(rule)})`] as const),
  ];
  return `${formatPairs(pairs)}${nearest === undefined ? '' : nearestText(nearest)}`;
}

function nearestText({ rule, requirements }: Nearest): string {
  const lines = requirements.map(
    ({ text, isMet }) => `  ${isMet ? 'met    ' : 'missing'}  ${plainText(text)}\n`,
  );
  return `\nThe nearest permit is ${rule.id} (${placeOf(rule)}), which asks for:\n${lines.join('')}`;
}

function placeOf({ file, line }: Rule): string {
  return `${file}:${line}`;
}

function jsonOf({ decision, nearest }: Explanation): unknown {
  const { untilMs, ...plain } = decision;
  return {
    ...plain,
    until: Number.isFinite(untilMs) ? new Date(untilMs).toISOString() : null,
    conditions: decision.conditions.map(conditionText),
    nearest:
      nearest === undefined
        ? null
        : { policy: nearest.rule.id, line: nearest.rule.line, requirements: nearest.requirements },
  };
}
