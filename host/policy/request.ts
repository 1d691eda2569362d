import type { EntityRef } from './entity.ts';
import { type ActionName, type ContextType, contextDefault, contextType } from './vocabulary.ts';

/** A value of a context: text, a whole number, yes or no, labels. */
export type ContextValue = string | number | boolean | readonly string[];

/** What is known of one request beyond who wants what; attributes as the schema has them. */
export type PolicyContext = Readonly<Record<string, ContextValue>>;

/** May this principal do this with that? */
export interface PolicyRequest {
  readonly principal: EntityRef;
  readonly action: ActionName;
  readonly resource: EntityRef;
  readonly context?: PolicyContext;
}

export const labelsMax = 64;
export const textCharsMax = 4096;

/** What the context says of an attribute, or what it is when nothing was said. */
export function contextValue(context: PolicyContext | undefined, name: string): ContextValue | undefined {
  if (context !== undefined && Object.hasOwn(context, name)) return context[name];
  return contextDefault(name);
}

/**
 * Why an attribute cannot be given to Cedar. Values are texts, numbers and lists of texts and nothing else: an object
 * in Cedar's JSON form could pass for an entity or a call.
 */
export function contextFault(action: ActionName, name: string, value: unknown): string | undefined {
  const type = contextType(action, name);
  if (type === undefined || type === 'Time') return `the context of ${action} has no '${name}' to be set`;
  if (value === undefined) return `the request says nothing of '${name}', which a policy looks at`;
  return isOf(type, value) ? undefined : `the context's '${name}' is ${expected[type]}`;
}

const expected: Readonly<Record<ContextType, string>> = {
  String: `a text of at most ${textCharsMax} characters`,
  Long: 'a whole number',
  Boolean: 'true or false',
  Labels: `a list of at most ${labelsMax} texts`,
  Time: 'a time',
};

function isOf(type: ContextType, value: unknown): boolean {
  switch (type) {
    case 'String':
      return isText(value);
    case 'Long':
      return Number.isSafeInteger(value);
    case 'Boolean':
      return typeof value === 'boolean';
    default:
      return Array.isArray(value) && value.length <= labelsMax && value.every(isText);
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= textCharsMax && value.isWellFormed();
}
