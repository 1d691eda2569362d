import type { TypeRef } from '../../../host/engine/component/types.ts';
import type { World } from '../../../host/engine/component/world.ts';
import type { Declarations } from './c-declarations.ts';
import type { Alias, CFunction, CFunctions, FunctionGroup } from './c-functions.ts';
import type { CTypes } from './c-types.ts';
import type { Comments } from './comments.ts';

interface HeaderParts {
  readonly world: World;
  readonly name: string;
  readonly base: string;
  readonly types: CTypes;
  readonly aliases: readonly Alias[];
  readonly functions: CFunctions;
  readonly declarations: Declarations;
  readonly comments: Comments;
}

/** The header of a world: a section for each interface, its types, then its functions. */
export function headerText(parts: HeaderParts): string {
  const guard = `WORLD_${parts.base.toUpperCase()}_H`;
  const sections = new Sections(parts);
  return `/*
 * The world ${parts.name} in C. Generated from WIT; do not edit.
 *
 * You call the functions under "imports" and write those under "exports".
 *
 * Who frees what:
 *   - Arguments you pass to an import are only read, but for handles that the comment says are given away.
 *   - Results of imports are yours: free them with the function named after their type, handles with …_drop.
 *     NULL for ret or err means that you do not want it; it is freed then.
 *   - Arguments of your exports are freed after you return. What you want to keep or return, take:
 *     TAKE(request->name) moves it out and leaves an empty value.
 *   - Results of your exports are freed once the host has read them, so they are memory of malloc:
 *     string_copy("text"), not string_of("text").
 */
#ifndef ${guard}
#define ${guard}

#include "wit.h"

${sections.text()}
#endif
`;
}

class Sections {
  readonly #parts: HeaderParts;

  constructor(parts: HeaderParts) {
    this.#parts = parts;
  }

  text(): string {
    const { world } = this.#parts;
    const imports = this.#interfaces('import', world.imports);
    const exports = this.#interfaces('export', world.exports);
    const own = this.#ownTypes();
    return [...imports, own, ...exports, this.#own('import'), this.#own('export'), this.#helpers()]
      .filter((section) => section !== '')
      .join('\n');
  }

  #interfaces(side: 'import' | 'export', items: World['imports']): string[] {
    return items.map((item) => {
      if (item.kind !== 'interface') return '';
      const types = item.interface.types.flatMap((one) => this.#typeTexts(item.name, one.type));
      const aliases = this.#aliases(item.name);
      const functions = this.#functions(side, item.name);
      const texts = [...types, ...aliases, ...functions];
      return texts.length === 0 ? '' : `${rule(`${side}s of ${item.name}`)}\n${texts.join('\n')}`;
    });
  }

  #ownTypes(): string {
    const { world, declarations, name } = this.#parts;
    const types = [...world.imports, ...world.exports].flatMap((item) =>
      item.kind === 'type' ? declarations.of(item.type) : [],
    );
    const texts = [...types, ...this.#aliases(undefined)];
    return texts.length === 0 ? '' : `${rule(`types of ${name}`)}\n${texts.join('\n')}`;
  }

  #own(side: 'import' | 'export'): string {
    const functions = this.#functions(side, undefined);
    return functions.length === 0
      ? ''
      : `${rule(`${side}s of ${this.#parts.name}`)}\n${functions.join('\n')}`;
  }

  /** Types of an interface itself; those it uses are where they are declared. */
  #typeTexts(owner: string, ref: TypeRef): string[] {
    const { types, declarations } = this.#parts;
    return types.def(ref)?.owner === owner || typeof ref === 'string' ? declarations.of(ref) : [];
  }

  #aliases(owner: string | undefined): string[] {
    const { aliases, declarations } = this.#parts;
    return aliases
      .filter((one) => one.owner === owner)
      .flatMap(({ name, ref }) => declarations.alias(name, ref));
  }

  #functions(side: 'import' | 'export', owner: string | undefined): string[] {
    const { functions, declarations, types } = this.#parts;
    const isThis = (group: FunctionGroup): boolean => group.side === side && group.owner === owner;
    const own = functions.groups.filter(isThis).flatMap((group) => group.functions);
    const needed = own.flatMap((one) => signatureTypes(one).flatMap((ref) => declarations.of(ref)));
    const texts = own.map(
      (one) => `/* ${one.signature}${this.#comment(one)}${this.#notes(one)} */\n${one.prototype};\n`,
    );
    const destructors = functions.destructors
      .filter((one) => side === 'export' && one.owner === owner)
      .map(
        (one) =>
          `/* ${types.defs[one.resource]?.name} is dropped by its last owner: free it */\n${one.prototype};\n`,
      );
    return [...needed, ...texts, ...destructors];
  }

  /** What WIT says of it. */
  #comment({ witName }: CFunction): string {
    const [first = '', rest] = witName.split('#');
    return rest === undefined
      ? this.#parts.comments.below(undefined, first)
      : this.#parts.comments.below(first, rest);
  }

  #notes(one: CFunction): string {
    if (one.side === 'export') return '';
    const { types } = this.#parts;
    const given = one.params.filter((param) => types.holdings(param.ref).own).map((param) => param.name);
    return given.length === 0 ? '' : `\n   Gives away: ${given.join(', ')}.`;
  }

  /** What `motehost.h` can rely on. */
  #helpers(): string {
    const { world, functions } = this.#parts;
    const words = functions.groups.flatMap((group) => group.functions);
    const has = (side: string, name: RegExp): boolean =>
      words.some((one) => one.side === side && name.test(one.witName));
    const usesFailure = world.types.some(
      (def) => def.name === 'failure' && def.owner?.startsWith('motehost:agent/types@') === true,
    );
    const isHandler =
      usesFailure &&
      words.some(
        (one) => one.witName === 'handle' && / -> result<option<list<u8>>, failure>$/.test(one.signature),
      );
    const hasLog = has('import', /^motehost:agent\/log@0\.1\.\d+#write$/);
    if (!isHandler && !hasLog) return '';
    return `${isHandler ? '#define MOTEHOST_HANDLER\n' : ''}${hasLog ? '#define MOTEHOST_LOG\n' : ''}#include "motehost.h"\n`;
  }
}

/** The types a prototype shows: a `result` is shown as its two parts. */
function signatureTypes({ params, result, type }: CFunction): TypeRef[] {
  const refs = params.map((param) => param.ref);
  if (result.kind === 'fallible')
    return [...refs, ...[result.ok, result.err].filter((one) => one !== undefined)];
  return type.result === undefined ? refs : [...refs, type.result];
}

function rule(title: string): string {
  return `/* ---- ${title} ${'-'.repeat(Math.max(3, 90 - title.length))} */\n`;
}
