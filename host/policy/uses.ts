import type { EntityRef } from './entity.ts';
import type { Read, Uses } from './rule.ts';
import { entityKinds, namespace } from './vocabulary.ts';

/** Levels of an expression, which Cedar's evaluator recurses into on a stack of 1 MiB; each `&&` is one. */
export const depthMax = 100;

/** What a policy's JSON form looks at; a text is why it cannot be taken. */
export function usesOf(json: unknown): Uses | string {
  const walk = new Walk();
  walk.visit(json, 0);
  if (walk.isTooDeep)
    return `an expression deeper than ${depthMax} levels; a set with .contains() is one level`;
  if (walk.hasWholeContext) return 'the context is looked at as a whole; name its attributes';
  return { context: walk.reads(), hasAttributes: walk.hasAttributes, entities: walk.entities };
}

/** JSON has up to three levels for one of the expression's. */
const jsonLevels = 3;

type Node = Readonly<Record<string, unknown>>;

class Walk {
  readonly entities: EntityRef[] = [];
  /** By attribute: the numbers it is compared with; undefined once anything else is done with it. */
  readonly #bounds = new Map<string, number[] | undefined>();
  hasAttributes = false;
  hasWholeContext = false;
  isTooDeep = false;

  reads(): Read[] {
    return [...this.#bounds].map(([name, bounds]) => ({ name, bounds: bounds?.sort((a, b) => a - b) }));
  }

  visit(value: unknown, depth: number): void {
    if (!isNode(value) || this.isTooDeep) return;
    if (depth > depthMax * jsonLevels) {
      this.isTooDeep = true;
      return;
    }
    if (typeof value.type === 'string' && typeof value.id === 'string') this.#entity(value.type, value.id);
    if (isContext(value)) this.hasWholeContext = true;
    if (this.#compares(value) || this.#reads(value)) return;
    if ('hasTag' in value || 'getTag' in value) this.hasAttributes = true;
    for (const each of Object.values(value)) this.visit(each, depth + 1);
  }

  /** `context.bytes < 1024`, either way round. */
  #compares(node: Node): boolean {
    for (const operator of comparisons) {
      const sides = node[operator];
      if (!isNode(sides)) continue;
      const name = attributeOf(sides.left) ?? attributeOf(sides.right);
      const number = numberOf(sides.right) ?? numberOf(sides.left);
      if (name === undefined || number === undefined) continue;
      if (!this.#bounds.has(name)) this.#bounds.set(name, []);
      this.#bounds.get(name)?.push(number);
      return true;
    }
    return false;
  }

  /** Any other use of an attribute. */
  #reads(node: Node): boolean {
    const name = attributeOf(node);
    if (name !== undefined) this.#bounds.set(name, undefined);
    else if ('.' in node || 'has' in node) this.hasAttributes = true;
    return name !== undefined;
  }

  #entity(type: string, id: string): void {
    const kind = entityKinds.find((one) => type === `${namespace}::${one}`);
    if (kind !== undefined) this.entities.push({ kind, id });
  }
}

const comparisons = ['<', '<=', '>', '>=', '==', '!='];

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

function isContext(value: unknown): boolean {
  return isNode(value) && value.Var === 'context';
}

/** `bytes` of `context.bytes` and of `context has bytes`. */
function attributeOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  const read = value['.'] ?? value.has;
  return isNode(read) && isContext(read.left) && typeof read.attr === 'string' ? read.attr : undefined;
}

function numberOf(value: unknown): number | undefined {
  return isNode(value) && typeof value.Value === 'number' ? value.Value : undefined;
}
