import { HostError } from '../errors.ts';
import { levelNamed, levels, rankOfLevel } from '../manifest/scheduling.ts';
import { nearest } from '../nearest.ts';
import { isPattern, isWithin } from '../subject.ts';

/**
 * - `admin`: everything, installing and removing agents included
 * - `read`: lists, details, status, dead letters
 * - `invoke:NAME`: invoke and send; a `*` at the end stands for any rest
 * - `publish:SUBJECT`, `subscribe:SUBJECT`: with the wildcards of subjects; `publish` also asks a subject
 * - `priority:LEVEL`: has messages handled at a level before `normal`, up to this one; without it any
 * - `logs:NAME`, `metrics`
 * - `audit`: reads the audit chain, makes what it says about a person unreadable
 * - `approve`: sees and answers what policies want a person to approve
 */
export type Verb =
  | 'admin'
  | 'read'
  | 'invoke'
  | 'publish'
  | 'subscribe'
  | 'priority'
  | 'logs'
  | 'metrics'
  | 'audit'
  | 'approve';

/** One capability of a token: `VERB[:PATTERN]`; without a pattern it holds for every target. */
export interface Right {
  readonly verb: Verb;
  readonly pattern: string | undefined;
}

const targets: Readonly<Record<Verb, 'name' | 'subject' | 'level' | undefined>> = {
  admin: undefined,
  read: undefined,
  invoke: 'name',
  publish: 'subject',
  subscribe: 'subject',
  priority: 'level',
  logs: 'name',
  metrics: undefined,
  approve: undefined,
  audit: undefined,
};

export const verbs: readonly Verb[] = Object.keys(targets) as Verb[];

const patternCharsMax = 256;

/** Reads `VERB[:PATTERN]`. @throws HostError `HOST_ERR_RIGHT_INVALID` saying what may stand there */
export function parseRight(text: string): Right {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const pattern = colon < 0 ? undefined : text.slice(colon + 1);
  const verb = verbs.find((one) => one === name);
  if (verb === undefined) throw refused(text, `write one of ${verbs.join(', ')}${nearest(name, verbs)}`);
  const target = targets[verb];
  if (pattern !== undefined && target === undefined) throw refused(text, `'${verb}' takes no pattern`);
  if (pattern !== undefined && !isPatternOf(pattern, target))
    throw refused(text, patternWords[target ?? 'subject']);
  return { verb, pattern };
}

const patternWords = {
  name: "write a name, or its start and '*'",
  subject: "write 'orders.*.new' or 'orders.>'",
  level: `write one of ${levels.join(', ')}`,
};

function isPatternOf(pattern: string, target: keyof typeof patternWords | undefined): boolean {
  if (pattern.length === 0 || pattern.length > patternCharsMax) return false;
  if (target === 'name') return /^[^\s*>]*\*?$/.test(pattern);
  return target === 'level' ? levelNamed(pattern) !== undefined : isPattern(pattern);
}

export function rightText(right: Right): string {
  return right.pattern === undefined ? right.verb : `${right.verb}:${right.pattern}`;
}

/** True when every name or subject that `target` stands for lies within the right's pattern. */
export function covers(right: Right, target: string): boolean {
  const { verb, pattern } = right;
  if (pattern === undefined) return true;
  if (verb === 'priority') return isUpTo(target, pattern);
  if (targets[verb] === 'subject') return isPattern(target) && isWithin(target, pattern);
  if (!pattern.endsWith('*')) return pattern === target;
  return target.startsWith(pattern.slice(0, -1));
}

function isUpTo(target: string, pattern: string): boolean {
  const [asked, most] = [levelNamed(target), levelNamed(pattern)];
  return asked !== undefined && most !== undefined && rankOfLevel(asked) >= rankOfLevel(most);
}

function refused(text: string, cure: string): HostError {
  return new HostError('HOST_ERR_RIGHT_INVALID', `'${text}' is no capability of a token: ${cure}`, { text });
}
