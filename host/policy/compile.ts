import { nearest } from '../nearest.ts';
import { type Cedar, cedar } from './cedar.ts';
import { type Draft, draftOf, firstWord, type TextFault, textFault } from './draft.ts';
import type { KnownEntity } from './entity.ts';
import { faultAt, faultOf, type PolicyFault, placeOf } from './place.ts';
import { jsonEnd, scanJson } from './policy-json.ts';
import type { PolicySet, Rule } from './rule.ts';
import { type Piece, scan } from './scan.ts';
import { schemaText } from './schema.ts';

/** A file of policies as it was read. */
export interface PolicyFile {
  /** Its name in its folder. */
  readonly name: string;
  readonly text: string;
}

/** Policies in one set. */
export const rulesMax = 10_000;
const faultsMax = 100;

/** All that was read, or all that is wrong with it: one bad policy refuses the whole set. */
export type Compiled =
  | { readonly set: PolicySet; readonly faults: readonly [] }
  | { readonly set: undefined; readonly faults: readonly PolicyFault[] };

type Drafted = Draft | readonly TextFault[];

/** Makes sets of valid policies; what was valid in the set before is not looked at again. */
export class Compiler {
  #drafts: ReadonlyMap<string, Drafted> = new Map();

  compile(files: readonly PolicyFile[], entities: readonly KnownEntity[] = []): Compiled {
    const sources = files.map((file) => ({
      file,
      ...(file.name.endsWith(jsonEnd) ? scanJson(file.text) : scan(file.text)),
    }));
    const faults = sources.flatMap(({ file, fault }) =>
      fault === undefined ? [] : [faultAt(file.name, file.text, fault.offset, fault.message)],
    );
    const pieces = sources.flatMap((source) => source.pieces);
    if (pieces.length > rulesMax) faults.push(faultOf('policies', `more than ${rulesMax} of them`));
    if (faults.length > 0) return { set: undefined, faults };
    this.#drafts = this.#draft(pieces);
    const rules = sources.flatMap(({ file, pieces: own }) => this.#rulesOf(file, own, faults));
    faults.push(...doubles(rules));
    if (faults.length > 0) return { set: undefined, faults: faults.slice(0, faultsMax) };
    return { set: { rules, entities }, faults: [] };
  }

  #draft(pieces: readonly Piece[]): ReadonlyMap<string, Drafted> {
    const drafts = new Map<string, Drafted>();
    const fresh: string[] = [];
    for (const { text } of pieces) {
      if (drafts.has(text)) continue;
      const known = this.#drafts.get(text);
      const draft = known ?? draftOf(text);
      if (known === undefined && !isFaults(draft)) fresh.push(text);
      drafts.set(text, draft);
    }
    for (const [text, faults] of invalid(fresh)) drafts.set(text, faults);
    return drafts;
  }

  #rulesOf(file: PolicyFile, pieces: readonly Piece[], faults: PolicyFault[]): Rule[] {
    const rules: Rule[] = [];
    pieces.forEach((piece, index) => {
      const { start, text, isWhole } = piece;
      const draft = this.#drafts.get(text);
      if (draft === undefined) return;
      if (isFaults(draft))
        faults.push(
          ...draft.map(({ offset, message, hint }) =>
            faultAt(file.name, file.text, isWhole === true ? start : start + offset, message, hint),
          ),
        );
      else rules.push(ruleOf(file, piece, index, draft));
    });
    return rules;
  }
}

function isFaults(draft: Drafted): draft is readonly TextFault[] {
  return Array.isArray(draft);
}

function ruleOf(file: PolicyFile, { start, text, id: given }: Piece, index: number, draft: Draft): Rule {
  const { id, ...said } = draft;
  const { line } = placeOf(file.text, start + firstWord(text));
  return { ...said, id: `${file.name}#${id ?? given ?? index + 1}`, file: file.name, line, text };
}

/** Two of one name could not be told apart on the record. */
function doubles(rules: readonly Rule[]): PolicyFault[] {
  const lines = new Map<string, number>();
  const faults: PolicyFault[] = [];
  for (const { id, file, line } of rules) {
    const other = lines.get(id);
    if (other !== undefined)
      faults.push({ file, line, column: 1, message: `another '${id}' is on line ${other}`, hint: undefined });
    lines.set(id, line);
  }
  return faults;
}

/**
 * What the schema finds wrong, by text. Its warnings too: a policy that can never apply, or a name in mixed alphabets,
 * is not what its author meant.
 */
function invalid(texts: readonly string[]): ReadonlyMap<string, readonly TextFault[]> {
  const found = new Map<string, readonly TextFault[]>();
  if (texts.length === 0) return found;
  const staticPolicies = Object.fromEntries(texts.map((text, index) => [`p${index}`, text]));
  const answer = validated(staticPolicies);
  for (const { policyId, error } of answer) {
    const text = texts[Number(policyId.slice(1))] ?? '';
    const fault = textFault(text, error);
    const faults = found.get(text) ?? [];
    found.set(text, withFault(faults, fault));
  }
  return found;
}

/** One place in a policy for several actions is blamed once for each: the best hint is kept. */
function withFault(faults: readonly TextFault[], fault: TextFault): TextFault[] {
  const same = faults.find(({ offset }) => offset === fault.offset);
  if (same === undefined) return [...faults, fault];
  if (isCloser(same) || !isCloser(fault)) return [...faults];
  return faults.map((one) => (one === same ? fault : one));
}

/** Whether the hint is a word like the wrong one: the validator offers any word it has. */
function isCloser({ message, hint }: TextFault): boolean {
  const [, wrong] = /`([^`]+)`/.exec(message) ?? [];
  const [, offered] = /`([^`]+)`/.exec(hint ?? '') ?? [];
  return wrong !== undefined && offered !== undefined && nearest(wrong, [offered]) !== '';
}

function validated(staticPolicies: Readonly<Record<string, string>>): readonly Cedar.ValidationError[] {
  const policies = { staticPolicies };
  const answer = attempt(() =>
    cedar.call(({ validate }) => validate({ schema: schemaText, policies, validationSettings })),
  );
  if (typeof answer === 'string') return Object.keys(staticPolicies).map((id) => broken(id, answer));
  if (answer.type === 'failure') {
    const why = answer.errors.map(({ message }) => message).join('; ');
    return Object.keys(staticPolicies).map((id) => broken(id, why));
  }
  const wrong = new Set(answer.validationErrors.map(({ policyId }) => policyId));
  return [
    ...answer.validationErrors,
    ...answer.validationWarnings.filter(({ policyId }) => !wrong.has(policyId)),
  ];
}

const validationSettings: Cedar.ValidationSettings = { mode: 'strict' };

function attempt<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    return `Cedar failed on it: ${String(error)}`;
  }
}

function broken(policyId: string, message: string): Cedar.ValidationError {
  return { policyId, error: { message, help: null, code: null, url: null, severity: null } };
}
