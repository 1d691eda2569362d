import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A large module that real tools produced. */
export interface RealModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const peersUrl = new URL('peers/node_modules/', import.meta.url);

/** Whether `npm ci --prefix bench/peers` was done. */
export const hasPeers: boolean = existsSync(peersUrl);

/** A file of an installed peer. */
export function peerPath(path: string): string {
  return fileURLToPath(new URL(path, peersUrl));
}

/** What `import` of a peer gives; peers resolve from their own folder. */
export function requirePeer<T>(name: string): T {
  return createRequire(new URL('../package.json', peersUrl))(name) as T;
}

const vendor = '@bytecodealliance/jco-transpile/vendor';

/** The large modules at hand, smallest first: two of the main install, two more from the peers. */
export async function realModules(): Promise<readonly RealModule[]> {
  const installed = (file: string): string =>
    fileURLToPath(new URL(`../node_modules/${vendor}/${file}.core.wasm`, import.meta.url));
  const found = [
    read('wasm-tools', installed('wasm-tools')),
    read('component bindgen', installed('js-component-bindgen-component')),
  ];
  if (!hasPeers) return found;
  const monkey = peerPath('@bytecodealliance/componentize-js/lib/starlingmonkey_embedding_weval.wasm');
  return [await quickJs(), ...found, read('StarlingMonkey', monkey)];
}

function read(name: string, path: string): RealModule {
  return { name, bytes: new Uint8Array(readFileSync(path)) };
}

interface Componentizer {
  componentize(options: {
    witPath: string;
    jsSource: string;
    stubWasi: boolean;
    sync: boolean;
  }): Promise<{ component: Uint8Array }>;
}

/** The engine inside a JavaScript agent built by componentize-qjs: the largest core module of that component. */
async function quickJs(): Promise<RealModule> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const witPath = join(folder, 'agent.wit');
    writeFileSync(
      witPath,
      'package bench:agent;\nworld agent { export handle: func(text: string) -> string; }\n',
    );
    const jsSource = 'export function handle(text) { return text; }';
    const { componentize } = requirePeer<Componentizer>('componentize-qjs');
    const { component } = await componentize({ witPath, jsSource, stubWasi: true, sync: true });
    const largest = coreModules(new Uint8Array(component)).reduce((a, b) => (a.length >= b.length ? a : b));
    return { name: 'QuickJS', bytes: new Uint8Array(largest) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const sectionCoreModule = 1;
const sectionComponent = 4;

/** The core modules in a component, nested ones too. */
export function coreModules(component: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 8;
  while (at < component.length) {
    const id = component[at];
    let bytes = 0;
    let shift = 0;
    do {
      at += 1;
      bytes |= ((component[at] ?? 0) & 0x7f) << shift;
      shift += 7;
    } while (((component[at] ?? 0) & 0x80) !== 0);
    at += 1;
    const body = component.subarray(at, at + bytes);
    if (id === sectionCoreModule) found.push(body);
    if (id === sectionComponent) found.push(...coreModules(body));
    at += bytes;
  }
  return found;
}
