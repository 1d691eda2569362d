/**
 * Names of imports, exports, fields and cases (component-model Explainer.md, "Import and Export Definitions").
 * Scanned by hand: a pattern for them backtracks without end on hostile names.
 */

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLower = (code: number): boolean => code >= 97 && code <= 122;
const isUpper = (code: number): boolean => code >= 65 && code <= 90;

/** Kebab case: fragments joined by `-`, each all lower or all upper case, the first one beginning with a letter. */
export function isLabel(name: string): boolean {
  return isKebab(name, true);
}

/** The lower-case form used for namespaces and packages. */
function isWords(name: string): boolean {
  return isKebab(name, false);
}

function isKebab(name: string, acronyms: boolean): boolean {
  let fragmentLength = 0;
  let lower = false;
  let upper = false;
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code === 45) {
      if (fragmentLength === 0) return false;
      fragmentLength = 0;
      lower = false;
      upper = false;
      continue;
    }
    if (isLower(code)) lower = true;
    else if (isUpper(code) && acronyms) upper = true;
    else if (!isDigit(code) || index === 0) return false;
    if (lower && upper) return false;
    fragmentLength += 1;
  }
  return fragmentLength > 0;
}

/** Semantic Versioning 2.0: `1.2.3-pre.1+build`. */
export function isSemver(text: string): boolean {
  const plus = text.indexOf('+');
  const build = plus < 0 ? undefined : text.slice(plus + 1);
  const version = plus < 0 ? text : text.slice(0, plus);
  const dash = version.indexOf('-');
  const pre = dash < 0 ? undefined : version.slice(dash + 1);
  const core = (dash < 0 ? version : version.slice(0, dash)).split('.');
  if (core.length !== 3 || !core.every(isPlainNumber)) return false;
  if (pre !== undefined && !pre.split('.').every((part) => isIdentifier(part) && !isPaddedNumber(part)))
    return false;
  return build === undefined || build.split('.').every(isIdentifier);
}

const isPlainNumber = (text: string): boolean => /^[0-9]+$/.test(text) && !isPaddedNumber(text);
const isPaddedNumber = (text: string): boolean => /^0[0-9]+$/.test(text);
const isIdentifier = (text: string): boolean => /^[0-9A-Za-z-]+$/.test(text);

export type ExternName =
  | { readonly kind: 'label' }
  | { readonly kind: 'constructor'; readonly resource: string }
  | { readonly kind: 'method' | 'static'; readonly resource: string; readonly member: string }
  | {
      readonly kind: 'interface';
      /** `namespace:package` */
      readonly package: string;
      readonly interface: string;
      readonly version?: string;
    };

/** Takes an import or export name apart, or gives undefined when the grammar does not allow it. */
export function parseExternName(name: string): ExternName | undefined {
  if (name.startsWith('[')) return parseAnnotated(name);
  if (isLabel(name)) return { kind: 'label' };
  return parseInterfaceName(name);
}

function parseAnnotated(name: string): ExternName | undefined {
  const close = name.indexOf(']');
  const annotation = name.slice(1, close);
  const rest = name.slice(close + 1);
  if (annotation === 'constructor')
    return isLabel(rest) ? { kind: 'constructor', resource: rest } : undefined;
  if (annotation !== 'method' && annotation !== 'static') return undefined;
  const dot = rest.indexOf('.');
  const resource = rest.slice(0, Math.max(dot, 0));
  const member = rest.slice(dot + 1);
  return isLabel(resource) && isLabel(member) ? { kind: annotation, resource, member } : undefined;
}

/** `namespace:package/interface@version`, or undefined. Nested namespaces and packages are not taken. */
export function parseInterfaceName(name: string): (ExternName & { kind: 'interface' }) | undefined {
  const at = name.indexOf('@');
  const path = at < 0 ? name : name.slice(0, at);
  const version = at < 0 ? undefined : name.slice(at + 1);
  if (version !== undefined && !isSemver(version)) return undefined;
  const [namespaces, projection, ...deeper] = path.split('/', 3);
  const [namespace, words, ...nested] = (namespaces as string).split(':', 3);
  if (deeper.length > 0 || nested.length > 0 || words === undefined || projection === undefined)
    return undefined;
  if (!isWords(namespace as string) || !isWords(words) || !isLabel(projection)) return undefined;
  return {
    kind: 'interface',
    package: `${namespace}:${words}`,
    interface: projection,
    ...(version === undefined ? {} : { version }),
  };
}

/**
 * The form under which two names in one scope must differ ("Name Uniqueness"): acronyms in lower case,
 * `[method]a.a` as `a`, no annotation but `[constructor]`.
 */
export function uniqueForm(name: string): string {
  const lower = name.toLowerCase();
  if (!lower.startsWith('[method]') && !lower.startsWith('[static]')) return lower;
  const rest = lower.slice(8);
  const dot = rest.indexOf('.');
  return rest.slice(0, dot) === rest.slice(dot + 1) ? rest.slice(0, dot) : rest;
}

/** `kebab-case` as jco and the guest bindings write it in JavaScript: `kebabCase`, `HTTP-get` → `httpGet`. */
export function camelCase(name: string): string {
  return name
    .toLowerCase()
    .split('-')
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}
