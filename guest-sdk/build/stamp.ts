import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sdkSources, witFolder } from './sdk-sources.ts';
import { readWitText } from './wit-text.ts';

/** What an output was made from, stored beside it. */
export interface Stamp {
  /** Files outside the SDK that went in, relative to the agent's folder. */
  readonly sources: readonly string[];
  /** SHA-256 over these files, the manifest, the SDK and the compiler's version, in hex. */
  readonly digest: string;
}

/** The digest of an output made from these sources. */
export function digestOf(manifest: string, sources: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256').update(toolDigest()).update(manifest);
  for (const [name, text] of sources) hash.update(`\0${name}\0${text.length}\0`).update(text);
  return hash.digest('hex');
}

/** Whether an output with this stamp is what a build would make now. */
export function isCurrent(stamp: Stamp, folder: string, manifest: string): boolean {
  const sources = new Map<string, string>();
  for (const name of stamp.sources) {
    const text = readText(join(folder, name));
    if (text === undefined) return false;
    sources.set(name, text);
  }
  return digestOf(manifest, sources) === stamp.digest;
}

/** Reads a stamp; undefined for none or one that makes no sense. */
export function readStamp(path: string): Stamp | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const stamp: unknown = JSON.parse(text);
    if (typeof stamp !== 'object' || stamp === null) return undefined;
    const { sources, digest } = stamp as Record<string, unknown>;
    if (typeof digest !== 'string' || !Array.isArray(sources)) return undefined;
    return sources.every((name) => typeof name === 'string') ? { sources, digest } : undefined;
  } catch {
    return undefined;
  }
}

let cachedToolDigest: string | undefined;

/** Everything of ours that shapes an output: SDK sources, worlds, this builder, the compiler's version. */
function toolDigest(): string {
  if (cachedToolDigest !== undefined) return cachedToolDigest;
  const hash = createHash('sha256');
  for (const [name, text] of sdkSources()) hash.update(`\0${name}\0`).update(text);
  hash.update(readWitText(witFolder));
  for (const name of readdirSync(import.meta.dirname).sort())
    if (/\.(ts|js)$/.test(name)) hash.update(readFileSync(join(import.meta.dirname, name)));
  hash.update(readFileSync(new URL('../package.json', import.meta.resolve('assemblyscript'))));
  cachedToolDigest = hash.digest('hex');
  return cachedToolDigest;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
