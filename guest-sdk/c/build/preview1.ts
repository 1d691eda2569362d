import type { World } from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import type { WorldTarget } from '../../build/target.ts';

const preview1 = 'wasi_snapshot_preview1';

/** Interfaces that the stand-ins of `runtime/preview1.c` can use, by the macro that names each. */
const sources: Readonly<Record<string, RegExp>> = {
  LOG: /^motehost:agent\/log@0\.1\.\d+$/,
  WALL_CLOCK: /^wasi:clocks\/wall-clock@0\.2\.\d+$/,
  MONOTONIC_CLOCK: /^wasi:clocks\/monotonic-clock@0\.2\.\d+$/,
  RANDOM: /^wasi:random\/random@0\.2\.\d+$/,
};

const functionsNeeded: Readonly<Record<string, readonly string[]>> = {
  LOG: ['write'],
  WALL_CLOCK: ['now', 'resolution'],
  MONOTONIC_CLOCK: ['now', 'resolution'],
  RANDOM: ['get-random-u64'],
};

/** Flags that tell the stand-ins which interfaces the world has. */
export function standInFlags(world: World): string[] {
  return Object.entries(sources).flatMap(([macro, pattern]) => {
    const item = world.imports.find((one) => one.kind === 'interface' && pattern.test(one.name));
    const names = item?.kind === 'interface' ? item.interface.functions.map((one) => one.name) : [];
    const has = item !== undefined && functionsNeeded[macro]?.every((name) => names.includes(name));
    return has === true ? [`-D${macro}="${item.name}"`] : [];
  });
}

/** What writes to stdout or stderr; formatting in memory needs none of it. */
const printing = 'printf vprintf puts putchar perror write writev dprintf __assert_fail stdout stderr'.split(
  ' ',
);

/** Flags that make the linker tell who prints, for worlds that have no place for it. */
export function printingFlags(world: World): string[] {
  const hasLog = standInFlags(world).some((flag) => flag.startsWith('-DLOG='));
  return hasLog ? [] : printing.map((name) => `--trace-symbol=${name}`);
}

/**
 * @param traced what the linker said because of `printingFlags`
 * @throws HostError when one of the objects prints
 */
export function requireNoPrinting(traced: string, objects: readonly string[], { name }: WorldTarget): void {
  const uses = [...traced.matchAll(/^(.+\/([^/]+)\.o): reference to (\w+)$/gm)].filter(([, path = '']) =>
    objects.includes(path),
  );
  const [first] = uses;
  if (first === undefined) return;
  const words = [...new Set(uses.map(([, , , symbol = '']) => symbol.replace('__assert_fail', 'assert')))];
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `${first[2]?.replaceAll('+', '/')}: world '${name}' has no place to print to, and the program uses ${words.join(', ')}: import motehost:agent/log@0.1.0 in the world, and stdout and stderr become log lines`,
    { uses: words },
  );
}

/** What in C leads to a WASI function, and what to do instead. */
const causes: readonly (readonly [name: RegExp, uses: string, cure: string])[] = [
  [
    /^fd_p?read$/,
    'scanf, getchar, read',
    'an agent has no standard input: what it works on is in its message',
  ],
  [
    /^clock_/,
    'time, clock_gettime',
    'import wasi:clocks/wall-clock@0.2.0 and wasi:clocks/monotonic-clock@0.2.0 in the world',
  ],
  [/^random_get$/, 'getentropy, arc4random', 'import wasi:random/random@0.2.0 in the world'],
  [
    /^poll_oneoff$/,
    'sleep, nanosleep, poll',
    'an agent does not wait: it returns, and is called with the next message',
  ],
  [/^sock_/, 'sockets', 'import what the agent needs of wasi:sockets or wasi:http in the world'],
  [
    /^(path|fd)_/,
    'fopen, open, stat',
    'keep what must last in motehost:agent/context, or build a command: world = "command"',
  ],
];

/** @throws HostError when the module asks the system for what the world does not have */
export function requireNoSystem(core: Uint8Array<ArrayBuffer>, entry: string, target: WorldTarget): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(core));
  const names = imports.filter(({ module }) => module === preview1).map(({ name }) => name);
  if (names.length > 0) throw noSystem(names, entry, target);
  const known = new Set(target.world.imports.map((item) => item.name));
  const foreign = imports.filter(
    ({ module }) => module !== '$root' && !known.has(module.replace(/^\[export\]/, '')),
  );
  const own = foreign.filter(({ module }) => !module.startsWith('[export]'));
  if (own.length === 0) return;
  const list = own.map(({ module, name }) => `${module} ${name}`).join(', ');
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `${entry}: the program declares imports that world '${target.name}' does not have: ${list}; take the import_module attributes away`,
    { imports: own },
  );
}

function noSystem(names: readonly string[], entry: string, target: WorldTarget): HostError {
  const lines = new Map<string, string>();
  // Reading comes along with files.
  for (const name of names.filter((one) => one !== 'fd_read' || !names.includes('path_open'))) {
    const [, uses, cure] = causes.find(([pattern]) => pattern.test(name)) ?? [
      name,
      name,
      'build a command: world = "command"',
    ];
    lines.set(uses, `  ${uses} (${name}): ${cure}`);
  }
  return new HostError(
    'HOST_ERR_BUILD_FAILED',
    `${entry}: world '${target.name}' does not have what the program uses of the system:\n${[...lines.values()].join('\n')}`,
    { imports: names },
  );
}
