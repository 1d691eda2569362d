import { Layouts } from '../../../host/engine/component/layout.ts';
import { partsOf, type TypeRef } from '../../../host/engine/component/types.ts';
import type { World, WorldItem } from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import type { WorldTarget } from '../../build/target.ts';
import { witDocs } from '../../build/wit-docs.ts';
import { Declarations } from './c-declarations.ts';
import { type Alias, aliasesOf, type CFunction, CFunctions, type Destructor } from './c-functions.ts';
import { CTypes } from './c-types.ts';
import { Comments } from './comments.ts';
import { GlueFrees } from './glue-frees.ts';
import { GlueFunctions } from './glue-functions.ts';
import { headerText } from './header.ts';
import { snakeCase } from './names.ts';
import { witType } from './wit-signature.ts';

/** A world in C. */
export interface Bindings {
  /** What the user includes: `handler.h`. */
  readonly headerName: string;
  readonly header: string;
  /** What is compiled with the user's sources: `handler_glue.c`. */
  readonly glueName: string;
  readonly glue: string;
  readonly functions: readonly CFunction[];
  readonly destructors: readonly Destructor[];
}

/**
 * Writes header and glue of a world. The same world gives the same text.
 * @throws HostError `HOST_ERR_BUILD_FAILED` for streams, futures, error contexts and asynchronous functions
 */
export function generateBindings({
  world,
  name,
  wit,
}: Pick<WorldTarget, 'world' | 'name'> & Partial<Pick<WorldTarget, 'wit'>>): Bindings {
  requireExpressible(world, name);
  const worldName = /([\w-]+)(?:@.*)?$/.exec(name)?.[1] ?? name;
  const types = new CTypes(world);
  const aliases = aliasesOf(world, types);
  const functions = new CFunctions(world, worldName, types, aliases);
  const comments = new Comments(wit === undefined ? new Map() : witDocs(wit), name);
  const declarations = new Declarations(types, comments);
  const base = snakeCase(worldName);
  const header = headerText({ world, name, base, types, aliases, functions, declarations, comments });
  const glue = new GlueText(world, types, functions, declarations).text(`${base}.h`);
  return {
    headerName: `${base}.h`,
    header,
    glueName: `${base}_glue.c`,
    glue,
    functions: functions.groups.flatMap((group) => group.functions),
    destructors: functions.destructors,
  };
}

const glueStart = `#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))

/* Called by the host for memory that its values lie in. */
EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (size == 0) return (void *)align;
  void *block = malloc(size);
  if (block == NULL) abort();
  if (old_size == 0) return block;
  memcpy(block, old, old_size < size ? old_size : size);
  free(old);
  return block;
}

static inline __attribute__((unused)) int32_t bits_of_float(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline __attribute__((unused)) int64_t bits_of_double(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline __attribute__((unused)) float float_of_bits(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline __attribute__((unused)) double double_of_bits(int64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
`;

class GlueText {
  readonly #world: World;
  readonly #types: CTypes;
  readonly #functions: CFunctions;
  readonly #declarations: Declarations;

  constructor(world: World, types: CTypes, functions: CFunctions, declarations: Declarations) {
    this.#world = world;
    this.#types = types;
    this.#functions = functions;
    this.#declarations = declarations;
  }

  text(headerName: string): string {
    const layouts = new Layouts(this.#world.types);
    const frees = new GlueFrees(this.#types);
    for (const index of this.#declarations.written) frees.define(index);
    const glue = new GlueFunctions(this.#types, layouts, frees);
    const resources = [...this.#declarations.written].filter(
      (index) => this.#types.defs[index]?.kind === 'resource',
    );
    const bodies = [
      ...resources.map((index) => glue.resourceText(index)),
      ...this.#functions.groups.flatMap(({ side, functions }) =>
        functions.map((one) => (side === 'import' ? glue.importText(one) : glue.exportText(one))),
      ),
      ...this.#functions.destructors.map((one) => glue.destructorText(one)),
    ];
    return [
      `/* Between ${headerName} and the host. Generated; do not edit. */\n#include "${headerName}"\n`,
      glueStart,
      this.#assertions(layouts),
      frees.toString(),
      ...bodies,
    ]
      .filter((part) => part !== '')
      .join('\n');
  }

  /** The glue relies on C laying types out as the canonical ABI does. */
  #assertions(layouts: Layouts): string {
    return this.#declarations.written
      .filter((index) => this.#types.defs[index]?.kind !== 'resource')
      .map((index) => {
        const { size, align } = layouts.of(index);
        const type = this.#types.of(index);
        return `_Static_assert(sizeof(${type}) == ${size} && _Alignof(${type}) == ${align}, "${type}");\n`;
      })
      .join('');
  }
}

function requireExpressible(world: World, name: string): void {
  for (const item of [...world.imports, ...world.exports])
    for (const { place, params } of functionsOf(item)) {
      const odd = params.map((ref) => inexpressible(world, ref)).find((one) => one !== undefined);
      if (odd === undefined) continue;
      throw new HostError(
        'HOST_ERR_BUILD_FAILED',
        `C has no ${odd} yet: world '${name}' needs it for '${place}'; leave that function out of the world`,
        { world: name, place },
      );
    }
}

function functionsOf(
  item: WorldItem,
): { readonly place: string; readonly params: readonly (TypeRef | 'async')[] }[] {
  const functions = item.kind === 'interface' ? item.interface.functions : item.kind === 'func' ? [item] : [];
  return functions.map(({ name, type }) => ({
    place: item.kind === 'interface' ? `${item.name}#${name}` : name,
    params: [
      ...(type.async === true ? (['async'] as const) : []),
      ...type.params.map((param) => param.type),
      ...(type.result === undefined ? [] : [type.result]),
    ],
  }));
}

function inexpressible(world: World, ref: TypeRef | 'async'): string | undefined {
  if (ref === 'async') return 'async functions';
  if (ref === 'error-context') return ref;
  const def = typeof ref === 'number' ? world.types[ref] : undefined;
  if (def === undefined) return undefined;
  if (def.kind === 'stream' || def.kind === 'future') return witType(world.types, ref);
  return partsOf(def)
    .map((part) => inexpressible(world, part))
    .find((one) => one !== undefined);
}

export type { Alias };
