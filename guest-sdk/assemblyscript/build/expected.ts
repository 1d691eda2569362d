import type { TypeRef } from '../../../host/engine/component/types.ts';
import type { Bindings } from './bindings/generate.ts';
import { paramNames } from './bindings/home-module.ts';
import type { Func, Home, Model } from './bindings/model.ts';
import { type Naming, typeText } from './bindings/type-text.ts';
import type { Expected } from './program.ts';

/** What the user's file must export, in the order of the glue. */
export function expectedExports({ model, exports }: Bindings): Expected[] {
  return exports.map(({ func, home }) => {
    const resource = func.resource === undefined ? undefined : model.places.get(func.resource)?.local;
    const path = [home.namespace, resource, func.local].filter((part) => part !== undefined);
    return { name: path.join('.'), declaration: declarationOf(model, home, func, resource) };
  });
}

function declarationOf(model: Model, home: Home, func: Func, resource: string | undefined): string {
  if (home.namespace === undefined && func.local === 'handle' && isReply(model, func))
    return func.type.async === true
      ? 'import { Future, Message, Reply, reply } from "motehost:agent";\nexport function handle(message: Message): Future<Reply> { return Future.of(reply("…")); }'
      : 'import { Message, Reply, reply } from "motehost:agent";\nexport function handle(message: Message): Reply { return reply("…"); }';
  const imports = new Map<string, Set<string>>();
  const note = (from: string, name: string): void => {
    imports.set(from, (imports.get(from) ?? new Set()).add(name));
  };
  const naming: Naming = (ref) => {
    const place = model.places.get(ref);
    if (place === undefined) return 'unknown';
    if (place.home.direction === 'export' && model.defs[ref]?.kind === 'resource') return place.local;
    note(place.home.specifier, place.local);
    return place.local;
  };
  const text = (ref: TypeRef): string => {
    const written = typeText(model.defs, ref, naming);
    for (const [name] of written.matchAll(/\b(?:Result|Box|Unit|Tuple\d+)\b/g)) note('motehost:std', name);
    return written;
  };
  if (func.type.async === true) note('motehost:std', 'Future');
  const body = wrapped(home, resource, signature(func, text));
  const lines = [...imports].map(
    ([from, names]) => `import { ${[...names].sort().join(', ')} } from "${from}";`,
  );
  return [...lines, ...body].join('\n');
}

function signature(func: Func, text: (ref: TypeRef) => string): string {
  const names = paramNames(func);
  const params = (func.kind === 'method' ? func.type.params.slice(1) : func.type.params)
    .map(({ type }, index) => `${names[index]}: ${text(type)}`)
    .join(', ');
  if (func.local === 'constructor') return `constructor(${params}) { … }`;
  const result = resultOf(func, text);
  const head = { function: 'export function ', method: '', static: 'static ', constructor: 'static ' }[
    func.kind
  ];
  return `${head}${func.local}(${params}): ${result} { … }`;
}

function resultOf({ type }: Func, text: (ref: TypeRef) => string): string {
  if (type.async !== true) return type.result === undefined ? 'void' : text(type.result);
  return `Future<${type.result === undefined ? 'Unit' : text(type.result)}>`;
}

function wrapped({ namespace }: Home, resource: string | undefined, line: string): string[] {
  const inClass = resource === undefined ? [line] : [`export class ${resource} {`, `  ${line}`, '}'];
  if (namespace === undefined) return inClass;
  return [`export namespace ${namespace} {`, ...inClass.map((one) => `  ${one}`), '}'];
}

/** Whether it is the `handle` of `motehost:agent`, for which the SDK has words of its own. */
function isReply({ defs }: Model, { type }: Func): boolean {
  const message = typeof type.params[0]?.type === 'number' ? defs[type.params[0].type] : undefined;
  return message?.owner === 'motehost:agent/types@0.1.0' && message.name === 'message';
}
