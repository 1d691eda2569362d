import { partsOf, type TypeDef, type TypeRef } from '../../../host/engine/component/types.ts';
import { type CTypes, isStructural } from './c-types.ts';
import type { Comments } from './comments.ts';

/** Writes each type of a world once, after the types it is made of. */
export class Declarations {
  readonly #types: CTypes;
  readonly #comments: Comments;
  readonly #declared = new Set<string>();
  /** Every type that was written, for those who go over all of them. */
  readonly written: number[] = [];

  constructor(types: CTypes, comments: Comments) {
    this.#types = types;
    this.#comments = comments;
  }

  /** The declarations that a type needs and that are not yet there; empty for most. */
  of(ref: TypeRef): string[] {
    const def = this.#types.def(ref);
    if (def === undefined || typeof ref === 'string') return [];
    if (def.kind === 'own' || def.kind === 'borrow') return this.of(def.resource);
    const name = this.#types.of(ref);
    if (this.#declared.has(name)) return [];
    const before = partsOf(def).flatMap((part) => this.of(part));
    this.#declared.add(name);
    this.written.push(ref);
    return [...before, this.#declare(ref, def, name)];
  }

  /** `typedef list_u8_t blob_t;`: another name that WIT gives to a type. */
  alias(name: string, ref: TypeRef): string[] {
    return [...this.of(ref), `typedef ${this.#types.of(ref)} ${name};\n`];
  }

  #declare(index: number, def: TypeDef, name: string): string {
    const body = this.#body(index, def, name);
    const comment = isStructural(def)
      ? ''
      : `/* ${def.kind} ${def.name}${this.#comments.below(def.owner, def.name ?? '')} */\n`;
    return `${comment}${body}${this.#types.isFreed(index) ? `void ${this.#types.freeName(index)}(${name} *value);\n` : ''}`;
  }

  #body(index: number, def: TypeDef, name: string): string {
    const type = (ref: TypeRef): string => this.#types.of(ref);
    switch (def.kind) {
      case 'record':
        return struct(this.#fields(index, def), name);
      case 'tuple':
        return struct(
          def.types.map((part, place) => member(type(part), `f${place}`)),
          name,
        );
      case 'list':
        if (def.length !== undefined)
          return struct([`${member(type(def.element), `items[${def.length}]`)}`], name);
        return struct([`${spaced(type(def.element))}*ptr`, 'size_t len'], name);
      case 'map': {
        const pair = `struct {\n    ${member(type(def.key), 'key')};\n    ${member(type(def.value), 'value')};\n  } *ptr`;
        return struct([pair, 'size_t len'], name);
      }
      case 'option':
        return struct(['bool is_some', member(type(def.type), 'val')], name);
      case 'result':
        return struct(['bool is_err', ...this.#union([def.ok, def.err], ['ok', 'err'])], name);
      case 'variant': {
        const cases = def.cases.map((one) => one.type);
        return `${this.#cases(index, def, def.cases)}${struct([`${tagType(cases.length)} tag`, ...this.#union(cases, this.#types.members(index))], name)}`;
      }
      case 'enum':
        return `${this.#cases(
          index,
          def,
          def.names.map((one) => ({ name: one })),
        )}typedef ${tagType(def.names.length)} ${name};\n`;
      case 'flags':
        return this.#flags(index, def.names.length, name);
      case 'resource':
        return this.#resource(index, name);
      default:
        return '';
    }
  }

  #fields(index: number, { owner, name: record, fields }: TypeDef & { readonly kind: 'record' }): string[] {
    const names = this.#types.members(index);
    return fields.map(({ name, type }, place) => {
      const comment = this.#comments.before(owner, `${record}.${name}`);
      return `${comment}${member(this.#types.of(type), names[place] as string)}`;
    });
  }

  #union(cases: readonly (TypeRef | undefined)[], names: readonly string[]): string[] {
    const members = cases.flatMap((one, place) =>
      one === undefined ? [] : [`    ${member(this.#types.of(one), names[place] as string)};\n`],
    );
    return members.length === 0 ? [] : [`union {\n${members.join('')}  } val`];
  }

  #cases(index: number, { owner, name: type }: TypeDef, cases: readonly { readonly name: string }[]): string {
    const names = this.#types.constants(index);
    const lines = names.map(
      (name, place) => `  ${this.#comments.before(owner, `${type}.${cases[place]?.name}`)}${name},\n`,
    );
    return `enum {\n${lines.join('')}};\n`;
  }

  #flags(index: number, count: number, name: string): string {
    const type = count <= 8 ? 'uint8_t' : count <= 16 ? 'uint16_t' : 'uint32_t';
    const bits = this.#types
      .constants(index)
      .map((bit, place) => `#define ${bit} ((${name})1 << ${place})\n`);
    return `typedef ${type} ${name};\n${bits.join('')}`;
  }

  #resource(index: number, name: string): string {
    if (!this.#types.isExported(index))
      return `typedef struct {\n  int32_t handle;\n} ${name};\nvoid ${this.#types.resource(index).drop}(${name} handle);\n`;
    const tag = name.replace(/_t(_\d*)?$/, '');
    const { handle, drop, make, rep } = this.#types.resource(index);
    return `typedef struct ${tag} ${name}; /* yours: define \`struct ${tag}\` as you like */

/* a handle that owns one: made of an object; the object of one; destroys the object */
typedef struct {
  int32_t handle;
} ${handle};
${handle} ${make}(${name} *self);
${name} *${rep}(${handle} own);
void ${drop}(${handle} own);
`;
  }
}

/** The integer that says which case a variant or enum is. */
export function tagType(count: number): string {
  return count <= 0x100 ? 'uint8_t' : count <= 0x10000 ? 'uint16_t' : 'uint32_t';
}

function struct(members: readonly string[], name: string): string {
  return `typedef struct {\n${members.map((one) => `  ${one};\n`).join('')}} ${name};\n`;
}

function member(type: string, name: string): string {
  return `${spaced(type)}${name}`;
}

/** A type's spelling before a name: `uint8_t `, `counter_t *`. */
export function spaced(type: string): string {
  return type.endsWith('*') ? type : `${type} `;
}
