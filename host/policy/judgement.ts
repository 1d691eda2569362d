import type { Cedar } from './cedar.ts';
import { type Condition, strictest } from './condition.ts';
import { type AuditLevel, auditLevels, type Decision, denial, failure, strictness } from './decision.ts';
import type { Rule } from './rule.ts';

/** What a slice's policies are looked up by. */
export interface RuleBook {
  rule(id: string): Rule | undefined;
}

/** What Cedar's answer comes to: the strictest of the policies that determined it. */
export function judged(
  answer: Cedar.AuthorizationAnswer,
  book: RuleBook,
  nowMs: number,
  version: number,
): Decision {
  if (answer.type === 'failure')
    return failure(
      `Cedar refused the request: ${answer.errors.map(({ message }) => message).join('; ')}`,
      version,
    );
  const { decision, diagnostics } = answer.response;
  // Cedar passes over a policy that failed; a forbid among them would have been for something.
  const [broken] = diagnostics.errors;
  if (broken !== undefined) return failedPolicy(broken, version);
  const determining = diagnostics.reason.map((id) => book.rule(id));
  if (determining.includes(undefined))
    return failure('Cedar decided by a policy that is not in force', version);
  const rules = determining.filter((rule) => rule !== undefined);
  if (decision === 'deny') return rules.length === 0 ? denial(nothing, version) : forbidden(rules, version);
  const open = rules.filter(({ untilMs }) => nowMs < untilMs);
  return open.length === 0 ? ranOut(rules, version) : permitted(open, version);
}

const nothing = 'no policy permits it';

function failedPolicy({ policyId, error }: Cedar.AuthorizationError, version: number): Decision {
  return failure(`the policy ${policyId} could not be evaluated: ${error.message}`, version, [policyId]);
}

function forbidden(rules: readonly Rule[], version: number): Decision {
  return {
    ...denial(reasonOf(rules) ?? `forbidden by ${namesOf(rules)}`, version, idsOf(rules)),
    audit: auditOf(rules),
  };
}

function ranOut(rules: readonly Rule[], version: number): Decision {
  const lastMs = Math.max(...rules.map(({ untilMs }) => untilMs));
  return denial(
    `${namesOf(rules)} permitted it until ${new Date(lastMs).toISOString()}`,
    version,
    idsOf(rules),
  );
}

function permitted(rules: readonly Rule[], version: number): Decision {
  const kind = rules.reduce(
    (most: Rule['kind'], rule) => (strictness(rule.kind) > strictness(most) ? rule.kind : most),
    'allow',
  );
  const reasons = rules.filter((rule) => rule.kind === kind);
  return {
    kind,
    policies: idsOf(rules),
    reason: reasonOf(reasons) ?? `permitted by ${namesOf(rules)}`,
    conditions: conditionsOf(rules),
    audit: auditOf(rules),
    untilMs: Math.min(...rules.map(({ untilMs }) => untilMs)),
    version,
    isFailure: false,
  };
}

function conditionsOf(rules: readonly Rule[]): readonly Condition[] {
  return strictest(rules.flatMap(({ conditions }) => conditions));
}

/** The most that any of them asks for; one that says nothing asks for a digest. */
function auditOf(rules: readonly Rule[]): AuditLevel {
  const levels = rules.map(({ audit }) => auditLevels.indexOf(audit ?? 'digest'));
  return auditLevels[Math.max(...levels)] ?? 'digest';
}

function reasonOf(rules: readonly Rule[]): string | undefined {
  const reasons = rules.map(({ reason }) => reason).filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : [...new Set(reasons)].join('; ');
}

const namedMax = 3;

function namesOf(rules: readonly Rule[]): string {
  const more = rules.length > namedMax ? ` and ${rules.length - namedMax} more` : '';
  return `${idsOf(rules).slice(0, namedMax).join(', ')}${more}`;
}

function idsOf(rules: readonly Rule[]): string[] {
  return rules.map(({ id }) => id).sort();
}
