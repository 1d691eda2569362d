import { PolicyBoard } from './board.ts';
import { type Cedar, cedar } from './cedar.ts';
import { contextJson } from './context-json.ts';
import { Decider, type WallClock } from './decider.ts';
import type { Decision } from './decision.ts';
import { actionEntitiesOf, type Entities, uidOf } from './entities.ts';
import type { PolicyRequest } from './request.ts';
import type { PolicySet, Rule } from './rule.ts';
import { namespace } from './vocabulary.ts';

/** One thing a policy asks for. */
export interface Requirement {
  /** As Cedar writes it: `context.bytes < 1024`, `principal is Motehost::Agent`. */
  readonly text: string;
  readonly isMet: boolean;
}

/** A permit that was not enough, with what it asks for. */
export interface Nearest {
  readonly rule: Rule;
  readonly requirements: readonly Requirement[];
}

/** How a request is decided and why. */
export interface Explanation {
  readonly decision: Decision;
  /** The policies that determined it. */
  readonly rules: readonly Rule[];
  /** Where nothing permits: the permit that was nearest to it. */
  readonly nearest: Nearest | undefined;
}

/** Decides a request by a set of policies, and says why. */
export function explain(set: PolicySet, request: PolicyRequest, clock: WallClock): Explanation {
  const board = new PolicyBoard();
  board.publish(set);
  const decider = new Decider({ source: board, clock });
  try {
    const decision = decider.decide(request);
    const rules = set.rules.filter(({ id }) => decision.policies.includes(id));
    const isForbidden = rules.some(({ effect }) => effect === 'forbid');
    if (decision.kind !== 'deny' || isForbidden) return { decision, rules, nearest: undefined };
    const context = saidContext(request, Number(clock.wallNs() / 1_000_000n));
    return {
      decision,
      rules,
      nearest: nearestPermit(set.rules, request, { context, entities: board.entities }),
    };
  } finally {
    decider.close();
    board.close();
  }
}

/** What the request says, as far as it can be given to Cedar, and what every context has. */
function saidContext(request: PolicyRequest, nowMs: number): Record<string, Cedar.CedarValueJson> {
  const names = ['now', 'labels', 'caller', 'contentType', ...Object.keys(request.context ?? {})];
  const jsons = names.map((name) => contextJson(request, [{ name, bounds: undefined }], nowMs));
  return Object.assign({}, ...jsons.filter((json) => typeof json === 'object'));
}

/** Permits looked at in detail. */
const examinedMax = 2000;

interface Part {
  readonly text: string;
  readonly weight: number;
  readonly policy: Cedar.PolicyJson;
}

/** What Cedar is given to evaluate parts of policies with. */
interface Circumstance {
  readonly context: Record<string, Cedar.CedarValueJson>;
  readonly entities: Entities;
}

/**
 * Of the permits the one that asks for the least that is not given. The context has to say all that any of them looks
 * at; what it does not say counts as not met.
 */
function nearestPermit(
  rules: readonly Rule[],
  request: PolicyRequest,
  circumstance: Circumstance,
): Nearest | undefined {
  let best: { readonly nearest: Nearest; readonly distance: number } | undefined;
  for (const rule of rules.filter(({ effect }) => effect === 'permit').slice(0, examinedMax)) {
    const parts = partsOf(rule);
    const met = metOf(parts, request, circumstance);
    const distance = parts.reduce((sum, { weight }, at) => (met.has(`${at}`) ? sum : sum + weight), 0);
    if (best !== undefined && distance >= best.distance) continue;
    const requirements = parts.map(({ text }, at) => ({ text, isMet: met.has(`${at}`) }));
    best = { nearest: { rule, requirements }, distance };
  }
  return best?.nearest;
}

/** How much less near a permit is that is about another action, or about others than these. */
const weights = { action: 8, resource: 3, principal: 3, condition: 1 };

function partsOf({ text }: Rule): readonly Part[] {
  const answer = cedar.call(({ policyToJson }) => policyToJson(text));
  if (answer.type === 'failure') return [];
  const { principal, action, resource, conditions } = answer.json;
  const scope: [keyof typeof weights, Partial<Cedar.PolicyJson>][] = [];
  if (principal.op !== 'All') scope.push(['principal', { principal }]);
  if (action.op !== 'All') scope.push(['action', { action }]);
  if (resource.op !== 'All') scope.push(['resource', { resource }]);
  const clauses = conditions.flatMap(({ kind, body }) => conjunctsOf(body, kind));
  return [
    ...scope.map(([name, part]) => partOf(part, weights[name])),
    ...clauses.map((clause) => partOf({ conditions: [clause] }, weights.condition)),
  ];
}

/** `when { a && b }` asks for two things; `unless { a || b }` likewise. */
function conjunctsOf(body: Cedar.Expr, kind: Cedar.Clause['kind']): Cedar.Clause[] {
  const both = sidesOf(body, kind === 'when' ? '&&' : '||');
  if (both === undefined) return [{ kind, body }];
  return [...conjunctsOf(both.left, kind), ...conjunctsOf(both.right, kind)];
}

function sidesOf(
  body: Cedar.Expr,
  operator: '&&' | '||',
): { readonly left: Cedar.Expr; readonly right: Cedar.Expr } | undefined {
  const sides: unknown = (body as Readonly<Record<string, unknown>>)[operator];
  if (typeof sides !== 'object' || sides === null || !('left' in sides) || !('right' in sides))
    return undefined;
  return { left: sides.left as Cedar.Expr, right: sides.right as Cedar.Expr };
}

const anything: Cedar.PolicyJson = {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
};

function partOf(part: Partial<Cedar.PolicyJson>, weight: number): Part {
  const policy = { ...anything, ...part };
  const answer = cedar.call(({ policyToText }) => policyToText(policy));
  return { text: answer.type === 'success' ? essence(answer.text) : '?', weight, policy };
}

/** The one part of a policy's text that says something. */
function essence(text: string): string {
  const clause = /(when|unless)\s*\{([\s\S]*)\}\s*;?\s*$/.exec(text);
  if (clause !== null) {
    const inner = (clause[2] ?? '').trim().replace(/\s+/g, ' ');
    const bare = /^\((.*)\)$/.exec(inner)?.[1] ?? inner;
    return clause[1] === 'unless' ? `not (${bare})` : bare;
  }
  const scope = /\(([\s\S]*)\)\s*;?\s*$/.exec(text)?.[1] ?? text;
  const parts = scope.split(',\n').flatMap((part) => part.split(/,(?=\s*(?:principal|action|resource)\b)/));
  const said = parts.map((part) => part.trim().replace(/\s+/g, ' ')).find((part) => /\s/.test(part));
  return said ?? scope.trim();
}

/** The indices of the parts that are met, each evaluated by itself. */
function metOf(
  parts: readonly Part[],
  request: PolicyRequest,
  { context, entities }: Circumstance,
): Set<string> {
  const { principal, action, resource } = request;
  const patterns = parts.flatMap(({ policy }) => patternsIn(policy));
  const slice = entities.slice(principal, resource, { hasAttributes: true, patterns }) ?? [];
  const staticPolicies = Object.fromEntries(parts.map(({ policy }, at) => [`${at}`, policy]));
  const type = `${namespace}::Action`;
  const answer = cedar.call(({ isAuthorized }) =>
    isAuthorized({
      principal: uidOf(principal),
      action: { type, id: action },
      resource: uidOf(resource),
      context,
      entities: [...slice, ...actionEntitiesOf(action)],
      policies: { staticPolicies },
    }),
  );
  return new Set(answer.type === 'success' ? answer.response.diagnostics.reason : []);
}

function patternsIn(policy: Cedar.PolicyJson): string[] {
  return [...JSON.stringify(policy).matchAll(/"type":"Motehost::Subject","id":"([^"\\]*[*>][^"\\]*)"/g)].map(
    ([, id = '']) => id,
  );
}
