import { coreSignature, type Layouts } from '../../../host/engine/component/layout.ts';
import type { TypeRef } from '../../../host/engine/component/types.ts';
import { spaced, tagType } from './c-declarations.ts';
import type { CFunction, CResult, Destructor } from './c-functions.ts';
import type { CTypes } from './c-types.ts';
import type { GlueFrees } from './glue-frees.ts';
import { Body, coreType, GlueValues } from './glue-values.ts';

/** Writes the C code between each function of a world and its core function. */
export class GlueFunctions {
  readonly #types: CTypes;
  readonly #layouts: Layouts;
  readonly #values: GlueValues;
  readonly #frees: GlueFrees;
  #count = 0;

  constructor(types: CTypes, layouts: Layouts, frees: GlueFrees) {
    this.#types = types;
    this.#layouts = layouts;
    this.#values = new GlueValues(types, layouts);
    this.#frees = frees;
  }

  /** The function the user calls. */
  importText(one: CFunction): string {
    const { params, results, paramsInMemory, resultInMemory } = coreSignature(
      this.#layouts,
      one.type,
      'lower',
    );
    const core = `import__${this.#next()}`;
    const body = new Body();
    const args = paramsInMemory ? this.#packed(body, one) : this.#lowered(body, one);
    if (resultInMemory) {
      body.add(`${this.#areaStruct(one)} area;`);
      args.push('(int32_t)&area');
    }
    const call = `${core}(${args.join(', ')})`;
    const direct = results === '' ? undefined : body.fresh();
    body.add(direct === undefined ? `${call};` : `${coreType(results)} ${direct} = ${call};`);
    this.#giveResult(body, one, direct);
    const types = Array.from(params, coreType).join(', ') || 'void';
    return `IMPORT("${one.module}", "${one.field}")
${results === '' ? 'void' : coreType(results)} ${core}(${types});

${this.#definition(one)} {
${body}}
`;
  }

  /** The core function that calls the user's. */
  exportText(one: CFunction): string {
    const { params, results, paramsInMemory, resultInMemory } = coreSignature(
      this.#layouts,
      one.type,
      'lift',
    );
    const index = this.#next();
    const body = new Body();
    const names = Array.from(params, (_, at) => `p${at}`);
    if (paramsInMemory) this.#unpack(body, one);
    else this.#lift(body, one, names);
    const result = this.#callUser(body, one, resultInMemory ? index : undefined);
    for (const [at, param] of one.params.entries()) this.#addFree(body, param.ref, `a${at}`);
    if (paramsInMemory) body.add('memory_free((void *)p0);');
    if (result !== undefined) body.add(`return ${result};`);
    const list = names.map((name, at) => `${coreType(params[at] as string)} ${name}`).join(', ') || 'void';
    const area = resultInMemory ? `static ${this.#areaStruct(one)} area__${index};\n\n` : '';
    return `${area}EXPORT("${one.field}")
${results === '' ? 'void' : coreType(results)} export__${index}(${list}) {
${body}}
${resultInMemory ? this.#postReturn(one, index) : ''}`;
  }

  destructorText({ resource, owner, name }: Destructor): string {
    const { name: witName = '' } = this.#types.defs[resource] ?? {};
    return `EXPORT("${owner}#[dtor]${witName}")
void export__${this.#next()}(int32_t self) {
  ${name}((${this.#types.of(resource)} *)self);
}
`;
  }

  /** What the header promises for a resource: dropping handles, and making them of the user's objects. */
  resourceText(index: number): string {
    const { name: witName = '', owner } = this.#types.defs[index] ?? {};
    const { handle, drop, make, rep } = this.#types.resource(index);
    const isExported = this.#types.isExported(index);
    const module = `${isExported ? '[export]' : ''}${owner ?? '$root'}`;
    const type = this.#types.of(index);
    const intrinsic = (annotation: string, returned: string): string => {
      const name = `import__${this.#next()}`;
      return `IMPORT("${module}", "[resource-${annotation}]${witName}")\n${returned} ${name}(int32_t);\n\n`;
    };
    const dropText = `${intrinsic('drop', 'void')}void ${drop}(${handle} handle) {\n  import__${this.#count - 1}(handle.handle);\n}\n`;
    if (!isExported) return dropText;
    const makeText = `${intrinsic('new', 'int32_t')}${handle} ${make}(${type} *self) {\n  return (${handle}){import__${this.#count - 1}((int32_t)self)};\n}\n`;
    const repText = `${intrinsic('rep', 'int32_t')}${type} *${rep}(${handle} own) {\n  return (${type} *)import__${this.#count - 1}(own.handle);\n}\n`;
    return `${dropText}\n${makeText}\n${repText}`;
  }

  #next(): number {
    this.#count += 1;
    return this.#count - 1;
  }

  #lowered(body: Body, one: CFunction): string[] {
    return one.params.flatMap((param, at) => this.#values.lower(body, param.ref, `a${at}`));
  }

  #packed(body: Body, one: CFunction): string[] {
    body.add(`${this.#paramsStruct(one)} params = {${one.params.map((_, at) => `a${at}`).join(', ')}};`);
    return ['(int32_t)&params'];
  }

  #paramsStruct(one: CFunction): string {
    return `struct { ${one.params.map((param, at) => `${spaced(this.#types.of(param.ref))}a${at};`).join(' ')} }`;
  }

  /** The result as it lies in memory; a function's own `result` needs no name in the header. */
  #areaStruct({ result, type }: CFunction): string {
    if (result.kind !== 'fallible')
      return `struct { ${spaced(this.#types.of(type.result as TypeRef))}value; }`;
    const members = [
      ...(result.ok === undefined ? [] : [`${spaced(this.#types.of(result.ok))}ok;`]),
      ...(result.err === undefined ? [] : [`${spaced(this.#types.of(result.err))}err;`]),
    ];
    return `struct { ${tagType(2)} is_err; union { ${members.join(' ')} } val; }`;
  }

  #giveResult(body: Body, { result, type }: CFunction, direct: string | undefined): void {
    if (result.kind === 'none') return;
    if (result.kind === 'fallible') {
      if (direct === undefined) this.#giveFallible(body, result);
      else body.add(`return ${direct} == 0;`);
    } else if (direct === undefined) {
      body.add('return area.value;');
    } else {
      const ref = type.result as TypeRef;
      body.add(`${spaced(this.#types.of(ref))}result;`);
      this.#values.lift(body, ref, [direct], 'result');
      body.add('return result;');
    }
  }

  #giveFallible(body: Body, { ok, err }: CResult & { readonly kind: 'fallible' }): void {
    const give = (ref: TypeRef | undefined, out: string, member: string): void => {
      if (ref === undefined) return;
      body.add(`if (${out} != NULL) *${out} = area.val.${member};`);
      const free = this.#frees.free(ref, `area.val.${member}`, 'owned');
      if (free !== undefined) body.add(`else { ${free} }`);
    };
    body.block('if (area.is_err)', () => {
      give(err, 'err', 'err');
      body.add('return false;');
    });
    give(ok, 'ret', 'ok');
    body.add('return true;');
  }

  #definition(one: CFunction): string {
    const texts = one.params.map((param, at) => `${spaced(this.#types.of(param.ref))}a${at}`);
    const { result } = one;
    if (result.kind === 'fallible') {
      if (result.ok !== undefined) texts.push(`${spaced(this.#types.of(result.ok))}*ret`);
      if (result.err !== undefined) texts.push(`${spaced(this.#types.of(result.err))}*err`);
    }
    const returned =
      result.kind === 'none'
        ? 'void'
        : result.kind === 'fallible'
          ? 'bool'
          : this.#types.of(one.type.result as TypeRef);
    return `${spaced(returned)}${one.name}(${texts.join(', ') || 'void'})`;
  }

  #lift(body: Body, one: CFunction, flats: readonly string[]): void {
    let from = 0;
    for (const [at, { ref }] of one.params.entries()) {
      const width = this.#layouts.of(ref).flat?.length ?? 0;
      body.add(`${spaced(this.#types.of(ref))}a${at};`);
      this.#values.lift(body, ref, flats.slice(from, from + width), `a${at}`);
      from += width;
    }
  }

  #unpack(body: Body, one: CFunction): void {
    body.add(`${this.#paramsStruct(one)} *params = (void *)p0;`);
    for (const [at, { ref }] of one.params.entries())
      body.add(`${spaced(this.#types.of(ref))}a${at} = params->a${at};`);
  }

  /** @returns the core result, undefined for none */
  #callUser(body: Body, one: CFunction, area: number | undefined): string | undefined {
    const args = one.params.map((param, at) => `${param.isPointer ? '&' : ''}a${at}`);
    const { result } = one;
    if (result.kind === 'fallible') return this.#callFallible(body, one, result, args, area);
    const call = `${one.name}(${args.join(', ')})`;
    if (result.kind === 'none') {
      body.add(`${call};`);
      return undefined;
    }
    if (result.kind === 'object') {
      body.add(
        `${this.#types.resource(result.resource).handle} result = ${this.#types.resource(result.resource).make}(${call});`,
      );
      return 'result.handle';
    }
    if (area !== undefined) {
      body.add(`area__${area}.value = ${call};`);
      return `(int32_t)&area__${area}`;
    }
    body.add(`${spaced(this.#types.of(result.ref))}result = ${call};`);
    return this.#values.lower(body, result.ref, 'result')[0];
  }

  #callFallible(
    body: Body,
    one: CFunction,
    { ok, err }: CResult & { readonly kind: 'fallible' },
    args: string[],
    area: number | undefined,
  ): string {
    // Apart from one another: a user may have written `ret` before it turns out to be an error.
    for (const [ref, name] of [
      [ok, 'ret'],
      [err, 'err'],
    ] as const) {
      if (ref === undefined) continue;
      body.add(`${spaced(this.#types.of(ref))}${name};`);
      body.add(`memset(&${name}, 0, sizeof ${name});`);
      args.push(`&${name}`);
    }
    body.add(`bool is_ok = ${one.name}(${args.join(', ')});`);
    if (area === undefined) return '!is_ok';
    body.add(`area__${area}.is_err = !is_ok;`);
    const give = (ref: TypeRef | undefined, name: string, member: string): void => {
      if (ref !== undefined) body.add(`area__${area}.val.${member} = ${name};`);
    };
    body.block('if (is_ok)', () => {
      give(ok, 'ret', 'ok');
      this.#addFree(body, err, 'err', 'owned');
    });
    body.block('else', () => {
      give(err, 'err', 'err');
      this.#addFree(body, ok, 'ret', 'owned');
    });
    return `(int32_t)&area__${area}`;
  }

  #addFree(
    body: Body,
    ref: TypeRef | undefined,
    place: string,
    mode: 'argument' | 'owned' = 'argument',
  ): void {
    const statement = ref === undefined ? undefined : this.#frees.free(ref, place, mode);
    if (statement !== undefined) body.add(statement);
  }

  /** After the host has read the result: its handles are the host's now, its memory is freed. */
  #postReturn({ field, result, type }: CFunction, index: number): string {
    const body = new Body();
    const add = (ref: TypeRef | undefined, place: string, head: string): void => {
      const statement = ref === undefined ? undefined : this.#frees.free(ref, place, 'memory');
      if (statement !== undefined) body.add(head + statement);
    };
    if (result.kind === 'fallible') {
      add(result.ok, `area__${index}.val.ok`, `if (!area__${index}.is_err) `);
      add(result.err, `area__${index}.val.err`, `if (area__${index}.is_err) `);
    } else add(type.result, `area__${index}.value`, '');
    if (body.lines.length === 0) return '';
    return `\nEXPORT("cabi_post_${field}")\nvoid post__${index}(int32_t area) {\n  (void)area;\n${body}}\n`;
  }
}
