import type { TypeDef, TypeRef } from '../../../host/engine/component/types.ts';
import { type CTypes, type Holdings, isStructural } from './c-types.ts';
import { Body } from './glue-values.ts';

/**
 * What is freed of a value. `owned`: memory and handles, for the user. `argument`: what was lent too, after an
 * export's call. `memory`: no handles, after a result was handed over with those it holds.
 */
export type FreeMode = 'owned' | 'argument' | 'memory';

/** Writes the functions that free values, each once; they call one another. */
export class GlueFrees {
  readonly #types: CTypes;
  readonly #written = new Set<string>();
  /** Definitions in an order in which each is declared before its use. */
  readonly #texts: string[] = [];

  constructor(types: CTypes) {
    this.#types = types;
  }

  /** A statement that frees the value at `place`; undefined when it holds nothing that the mode frees. */
  free(ref: TypeRef, place: string, mode: FreeMode): string | undefined {
    if (!frees(this.#types.holdings(ref), mode)) return undefined;
    const def = this.#types.def(ref);
    if (def?.kind === 'own' || def?.kind === 'borrow') return this.#drop(def.resource, place);
    return `${this.#function(ref, mode)}(&${place});`;
  }

  /** The public function of a type, in the glue even if nothing in the glue calls it. */
  define(ref: TypeRef): void {
    if (this.#types.isFreed(ref)) this.#function(ref, 'owned');
  }

  toString(): string {
    return this.#texts.join('\n');
  }

  #drop(resource: number, place: string): string {
    return `if (${place}.handle != 0) ${this.#types.resource(resource).drop}(${place});`;
  }

  #function(ref: TypeRef, wished: FreeMode): string {
    if (ref === 'string') return 'string_free';
    const { own, borrow } = this.#types.holdings(ref);
    const isOwned = (wished === 'argument' && !borrow) || (wished === 'memory' && !own);
    const mode = isOwned ? 'owned' : wished;
    const name = mode === 'owned' ? this.#types.freeName(ref) : `${mode}__${this.#types.of(ref)}`;
    if (this.#written.has(name)) return name;
    this.#written.add(name);
    const body = new Body();
    this.#parts(body, this.#types.def(ref) as TypeDef, ref as number, mode);
    const storage = mode === 'owned' ? '' : 'static ';
    this.#texts.push(
      `${storage}void ${name}(${this.#types.of(ref)} *value) {\n${body}  memset(value, 0, sizeof *value);\n}\n`,
    );
    return name;
  }

  #parts(body: Body, def: TypeDef, index: number, mode: FreeMode): void {
    const add = (ref: TypeRef | undefined, place: string): void => {
      const statement = ref === undefined ? undefined : this.free(ref, place, mode);
      if (statement !== undefined) body.add(statement);
    };
    const names = isStructural(def) ? [] : this.#types.members(index);
    switch (def.kind) {
      case 'record':
        for (const [at, field] of def.fields.entries()) add(field.type, `value->${names[at]}`);
        break;
      case 'tuple':
        for (const [at, part] of def.types.entries()) add(part, `value->f${at}`);
        break;
      case 'list':
        this.#items(body, def.length, () =>
          add(def.element, `value->${def.length === undefined ? 'ptr' : 'items'}[i]`),
        );
        break;
      case 'map':
        this.#items(body, undefined, () => {
          add(def.key, 'value->ptr[i].key');
          add(def.value, 'value->ptr[i].value');
        });
        break;
      case 'option':
        body.block('if (value->is_some)', () => add(def.type, 'value->val'));
        break;
      case 'result':
        this.#cases(body, 'is_err', [def.ok, def.err], ['ok', 'err'], add);
        break;
      case 'variant':
        this.#cases(
          body,
          'tag',
          def.cases.map((one) => one.type),
          names,
          add,
        );
    }
  }

  #items(body: Body, length: number | undefined, each: () => void): void {
    const before = body.lines.length;
    body.block(`for (size_t i = 0; i < ${length ?? 'value->len'}; i++)`, each);
    // Items that hold nothing leave an empty loop.
    if (body.lines.length === before + 2) body.lines.length = before;
    if (length === undefined) body.add('memory_free(value->ptr);');
  }

  #cases(
    body: Body,
    tag: string,
    types: readonly (TypeRef | undefined)[],
    names: readonly string[],
    add: (ref: TypeRef | undefined, place: string) => void,
  ): void {
    if (tag === 'is_err') {
      for (const [at, type] of types.entries()) {
        const before = body.lines.length;
        body.block(at === 0 ? 'if (!value->is_err)' : 'if (value->is_err)', () =>
          add(type, `value->val.${names[at]}`),
        );
        if (body.lines.length === before + 2) body.lines.length = before;
      }
      return;
    }
    body.block(`switch (value->${tag})`, () => {
      for (const [at, type] of types.entries()) {
        const before = body.lines.length;
        body.add(`case ${at}:`);
        add(type, `value->val.${names[at]}`);
        if (body.lines.length === before + 1) body.lines.pop();
        else body.add('  break;');
      }
    });
  }
}

function frees({ memory, own, borrow }: Holdings, mode: FreeMode): boolean {
  if (mode === 'memory') return memory;
  return memory || own || (mode === 'argument' && borrow);
}
