import { nearest } from '../nearest.ts';
import { type Annotations, annotationsOf } from './annotations.ts';
import { type Cedar, cedar } from './cedar.ts';
import { type EntityRef, entityFault } from './entity.ts';
import type { Rule, Uses } from './rule.ts';
import { usesOf } from './uses.ts';
import { type ActionName, actionNames, actions, namespace } from './vocabulary.ts';

/** What is wrong with one policy's text; `offset` in its characters. */
export interface TextFault {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What one policy's text says by itself, wherever it stands. */
export interface Draft extends Annotations {
  readonly effect: Rule['effect'];
  readonly actions: readonly ActionName[];
  readonly uses: Uses;
}

/** Reads one policy, without the schema. */
export function draftOf(text: string): Draft | readonly TextFault[] {
  const start = firstWord(text);
  try {
    const answer = cedar.call(({ policyToJson }) => policyToJson(text));
    if (answer.type === 'failure') return answer.errors.map((error) => textFault(text, error));
    return drafted(answer.json, start);
  } catch (error) {
    return [{ offset: start, message: `Cedar failed on it: ${String(error)}`, hint: undefined }];
  }
}

function drafted(json: Cedar.PolicyJson, offset: number): Draft | readonly TextFault[] {
  const annotations = annotationsOf(json.annotations ?? {}, json.effect);
  if (typeof annotations === 'string') return [{ offset, message: annotations, hint: undefined }];
  const uses = usesOf(json);
  if (typeof uses === 'string') return [{ offset, message: uses, hint: undefined }];
  const faults = uses.entities.flatMap((entity) => literalFault(entity, offset));
  if (faults.length > 0) return faults;
  return { ...annotations, effect: json.effect, actions: actionsOf(json.action), uses };
}

/** A name that nothing can have would make a forbid that never forbids. */
function literalFault(entity: EntityRef, offset: number): readonly TextFault[] {
  const isDomain = entity.kind === 'Host' && entity.id.startsWith('*.');
  const fault = entityFault(isDomain ? { ...entity, id: entity.id.slice(2) } : entity);
  if (fault === undefined) return [];
  return [
    { offset, message: `${entity.kind}::${JSON.stringify(entity.id)} is nothing there can be`, hint: fault },
  ];
}

/** The actions a scope names, groups resolved; those that the schema does not know are for the validator to blame. */
function actionsOf(constraint: Cedar.ActionConstraint): readonly ActionName[] {
  if (constraint.op === 'All') return actionNames;
  const named: readonly unknown[] =
    'entities' in constraint ? constraint.entities : 'entity' in constraint ? [constraint.entity] : [];
  const ids = new Set(named.map(idOf));
  return actionNames.filter((name) => ids.has(name) || actions[name].groups.some((group) => ids.has(group)));
}

function idOf(uid: unknown): string {
  if (typeof uid !== 'object' || uid === null || !('id' in uid) || !('type' in uid)) return '';
  return uid.type === `${namespace}::Action` ? String(uid.id) : '';
}

/** Cedar's places are offsets in UTF-8. */
export function textFault(text: string, error: Cedar.DetailedError): TextFault {
  const [place] = error.sourceLocations ?? [];
  const bytes = Buffer.from(text);
  const offset = place === undefined ? firstWord(text) : bytes.subarray(0, place.start).toString().length;
  const message = error.message
    .replace(/^for policy `[^`]*`, /, '')
    .replace(/^(failed to|error) pars\w+ [^:]*: /, '');
  return { offset, message, hint: actionHint(message) ?? error.help ?? place?.label ?? undefined };
}

/** Of all actions the nearest; Cedar offers any it has. */
function actionHint(message: string): string | undefined {
  const [, name] = /^unrecognized action `Motehost::Action::"(.*)"`$/.exec(message) ?? [];
  if (name === undefined) return undefined;
  const groups = actionNames.flatMap((action) => actions[action].groups);
  const hint = nearest(name, [...actionNames, ...groups]).replace(/^, /, '');
  return hint === '' ? `there are ${actionNames.join(', ')}` : hint;
}

/** Where a policy begins after the comments before it. */
export function firstWord(text: string): number {
  return /^(?:\s|\/\/[^\n]*(?:\n|$))*/.exec(text)?.[0].length ?? 0;
}
