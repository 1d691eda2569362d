import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Bindings,
  generateBindings,
} from '../../../guest-sdk/assemblyscript/build/bindings/generate.ts';
import type { Func, Home, Model } from '../../../guest-sdk/assemblyscript/build/bindings/model.ts';
import { type Naming, typeText } from '../../../guest-sdk/assemblyscript/build/bindings/type-text.ts';
import { buildAgent } from '../../../guest-sdk/assemblyscript/build/build-agent.ts';
import { resolveTarget, type WorldTarget, worldTarget } from '../../../guest-sdk/build/target.ts';
import { witOf } from '../../../guest-sdk/build/wit-text.ts';
import type { CoreModuleShape } from '../../../host/engine/component/core-module.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import type { TypeRef } from '../../../host/engine/component/types.ts';
import { compareWithDummy } from '../../support/core-signatures.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, writeWit } from '../../support/wit-values.ts';

/** A user's file that calls every import of a world, with values nobody has looked at, and exports stubs. */
class EveryCall {
  readonly #model: Model;
  readonly #naming: Naming = (ref) => {
    const place = this.#model.places.get(ref);
    assert.ok(place !== undefined);
    return isOwn(place.home, this.#model, ref) ? place.local : `${place.home.alias}.${place.local}`;
  };

  constructor({ model }: Bindings) {
    this.#model = model;
  }

  write(): string {
    const { homes } = this.#model;
    const imports = homes.filter(({ direction }) => direction === 'import');
    return `${homes.map(({ alias, specifier }) => `import * as ${alias} from "${specifier}";`).join('\n')}
import { Box, Result, Unit } from "motehost:std";
import { ${Array.from({ length: 16 }, (_, index) => `Tuple${index + 1}`).join(', ')} } from "motehost:std";
function any<T>(): T { if (isReference<T>()) return changetype<T>(0); return <T>0; }
function everything(): void {
${imports.flatMap((home) => [...this.#drops(home), ...home.functions.map((func) => `  ${this.#call(home, func)};`)]).join('\n')}
}
${homes
  .filter(({ direction }) => direction === 'export')
  .map((home) => this.#exports(home))
  .join('\n')}
if (everything.length > 100) everything();
everything();
`;
  }

  #any(ref: TypeRef): string {
    return `any<${typeText(this.#model.defs, ref, this.#naming)}>()`;
  }

  #drops(home: Home): string[] {
    return home.types.flatMap(({ ref }) =>
      typeof ref === 'number' &&
      this.#model.defs[ref]?.kind === 'resource' &&
      this.#model.places.get(ref)?.home === home
        ? [`  any<${this.#naming(ref, this.#model.defs[ref])}>().drop();`]
        : [],
    );
  }

  #call(home: Home, func: Func): string {
    const params = func.kind === 'method' ? func.type.params.slice(1) : func.type.params;
    const args = params.map(({ type }) => this.#any(type)).join(', ');
    if (func.resource === undefined) return `${home.alias}.${func.local}(${args})`;
    const type = this.#naming(func.resource, this.#model.defs[func.resource] as never);
    if (func.local === 'constructor') return `new ${type}(${args})`;
    return `${func.kind === 'method' ? `any<${type}>()` : type}.${func.local}(${args})`;
  }

  #exports(home: Home): string {
    const plain = home.functions.filter(({ resource }) => resource === undefined);
    const classes = home.types.flatMap(({ ref, local }) =>
      isOwn(home, this.#model, ref) ? [this.#class(home, local, ref as number)] : [],
    );
    const text = [...classes, ...plain.map((func) => `export function ${this.#stub(func)}`)].join('\n');
    return home.namespace === undefined ? text : `export namespace ${home.namespace} {\n${text}\n}`;
  }

  #class(home: Home, local: string, ref: number): string {
    const members = home.functions.filter(({ resource }) => resource === ref);
    return `export class ${local} {\n${members.map((func) => `${func.kind === 'method' || func.local === 'constructor' ? '' : 'static '}${this.#stub(func)}`).join('\n')}\n}`;
  }

  #stub(func: Func): string {
    const params = (func.kind === 'method' ? func.type.params.slice(1) : func.type.params).map(
      ({ type }, index) => `a${index}: ${typeText(this.#model.defs, type, this.#naming)}`,
    );
    if (func.local === 'constructor') return `constructor(${params.join(', ')}) {}`;
    const { result } = func.type;
    const type = result === undefined ? 'void' : typeText(this.#model.defs, result, this.#naming);
    return `${func.local}(${params.join(', ')}): ${type} {${result === undefined ? '' : ` return ${this.#any(result)};`} }`;
  }
}

function isOwn(home: Home, model: Model, ref: TypeRef): boolean {
  return home.direction === 'export' && typeof ref === 'number' && model.defs[ref]?.kind === 'resource';
}

async function coreOf(target: WorldTarget): Promise<CoreModuleShape> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-every-'));
  try {
    mkdirSync(join(folder, 'assembly'));
    const bindings = generateBindings(target.world, target.name, './assembly/index');
    writeFileSync(join(folder, 'assembly/index.ts'), new EveryCall(bindings).write());
    const { bytes } = await buildAgent({ folder, entry: 'assembly/index.ts', target, release: false });
    const [module] = decodeComponent(bytes).modules;
    assert.ok(module?.kind === 'defined');
    return module.shape;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const world of ['handler', 'agent', 'wasi:cli/command@0.2.0', 'wasi:http/proxy@0.2.0']) {
  test(`every function of ${world} compiles, with the core signature the toolchain gives it`, async (t) => {
    const target = await resolveTarget('.', world);
    assert.ok(target.kind === 'world');
    t.diagnostic(`${compareWithDummy(target, await coreOf(target))} functions`);
  });
}

test('so does every function of random worlds', async () => {
  const seed = seedOf('SIGNATURES_SEED');
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: 40, seed }));
  const functions = refs.map((ref, index) => {
    const [b, c] = [refs[(index + 1) % refs.length], refs[(index + 7) % refs.length]];
    return `call${index}: func(a: ${ref}, b: ${b}, c: u8, d: option<${c}>) -> ${ref};`;
  });
  const wit = `package a:b; interface t { ${declarations} ${functions.join('\n')} } world w { import t; export t; }`;
  const target = await worldTarget(witOf(wit), 'w');
  const count = compareWithDummy(
    target,
    await coreOf(target).catch((cause) => {
      throw new Error(`SIGNATURES_SEED=${seed}: ${String(cause).slice(0, 2000)}`, { cause });
    }),
  );
  assert.equal(count, 2 * refs.length, `SIGNATURES_SEED=${seed}`);
});
