import { type Cedar, cedar } from './cedar.ts';
import { type Piece, policyCharsMax, type ScanFault, scan } from './scan.ts';

/** Files of policies in Cedar's own JSON form: one policy, a list of them, or a policy set. */
export const jsonEnd = '.cedar.json';

/** Objects and lists within each other: Cedar's reader recurses. */
const depthMax = 100;
const setKeys = ['staticPolicies', 'templates', 'templateLinks'];

interface Source {
  readonly id: string | undefined;
  readonly json: unknown;
  readonly start: number;
}

/** As `scan`, of policies in JSON: from here on each is what it says as Cedar text. */
export function scanJson(text: string): {
  readonly pieces: readonly Piece[];
  readonly fault: ScanFault | undefined;
} {
  const sources = sourcesOf(text);
  if (typeof sources === 'string') return { pieces: [], fault: { offset: 0, message: sources } };
  const pieces: Piece[] = [];
  for (const { id, json, start } of sources) {
    const words = textOf(json);
    if (typeof words !== 'string') return { pieces: [], fault: { offset: start, message: words.fault } };
    pieces.push({ start, text: words, isWhole: true, ...(id === undefined ? {} : { id }) });
  }
  return { pieces, fault: undefined };
}

function sourcesOf(text: string): readonly Source[] | string {
  const fault = textFault(text);
  if (fault !== undefined) return fault;
  const json = JSON.parse(text) as unknown;
  if (Array.isArray(json)) return json.map((one) => ({ id: undefined, json: one, start: 0 }));
  if (typeof json !== 'object' || json === null)
    return 'neither a policy, nor a list of them, nor a policy set';
  if (!('staticPolicies' in json)) return [{ id: undefined, json, start: 0 }];
  return setOf(json as Readonly<Record<string, unknown>>, text);
}

function setOf(set: Readonly<Record<string, unknown>>, text: string): readonly Source[] | string {
  const stranger = Object.keys(set).find((key) => !setKeys.includes(key));
  if (stranger !== undefined) return `unknown key '${stranger}'; a policy set has ${setKeys.join(', ')}`;
  const { staticPolicies, templates = {}, templateLinks = [] } = set;
  if (!isObject(staticPolicies)) return 'staticPolicies is no table of policies';
  const isPlain = isObject(templates) && Object.keys(templates).length === 0;
  if (!isPlain || !Array.isArray(templateLinks) || templateLinks.length > 0)
    return 'it has templates; write what they stand for';
  return Object.entries(staticPolicies).map(([id, json]) => ({
    id,
    json,
    start: Math.max(0, text.indexOf(JSON.stringify(id))),
  }));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** Why a text is no JSON that can be read for what it says: of two keys of one name only one would count. */
function textFault(text: string): string | undefined {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  for (const [token, , colon] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (colon !== undefined) keys += 1;
    deepest = Math.max(deepest, depth);
  }
  if (deepest > depthMax) return `more than ${depthMax} brackets within each other`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  return keysIn(json) === keys ? undefined : 'two keys of one name in one place: one of them would not count';
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce((sum: number, one) => sum + keysIn(one), own);
}

function textOf(json: unknown): string | { readonly fault: string } {
  if (!isObject(json)) return { fault: 'a policy in JSON is an object' };
  try {
    const answer = cedar.call(({ policyToText }) => policyToText(json as Cedar.Policy));
    if (answer.type === 'failure') return { fault: answer.errors.map(({ message }) => message).join('; ') };
    const { pieces, fault } = scan(answer.text);
    if (fault !== undefined) return { fault: fault.message };
    if (pieces.length === 1 && answer.text.length <= policyCharsMax) return answer.text;
    return { fault: 'it is more than one policy' };
  } catch (error) {
    return { fault: `Cedar failed on it: ${String(error)}` };
  }
}
