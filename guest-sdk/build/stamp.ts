import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../../host/regular-file.ts';

/** What an output was made from, stored beside it. */
export interface Stamp {
  /** The project's own files that went in, relative to the agent's folder. */
  readonly sources: readonly string[];
  /** Files of the SDK that shaped it, absolute: so that nobody has to load a language to see that nothing changed. */
  readonly tools: readonly string[];
  readonly release: boolean;
  /** SHA-256 over all of these, the manifest and the WIT, in hex. */
  readonly digest: string;
}

/** What shapes an output besides the files that a stamp lists. */
export interface Circumstances {
  /** The agent's folder, absolute. */
  readonly folder: string;
  /** The manifest's part that does, as text. */
  readonly manifest: string;
  /** The WIT of its world; empty for a command. */
  readonly wit: string;
}

/** The stamp of an output made now. */
export function stampOf(
  { manifest, wit }: Circumstances,
  release: boolean,
  sources: ReadonlyMap<string, string>,
  tools: readonly string[],
): Stamp {
  const texts = new Map([...sources].map(([name, text]) => [name, Buffer.from(text)]));
  for (const tool of tools) texts.set(tool, readFileSync(tool));
  const digest = digestOf([manifest, wit, String(release)], [...texts.values()]);
  return { sources: [...sources.keys()], tools, release, digest };
}

/** Whether an output with this stamp is what a build would make now. */
export function isCurrent(stamp: Stamp, { folder, manifest, wit }: Circumstances): boolean {
  const contents: Buffer[] = [];
  for (const file of [...stamp.sources.map((name) => join(folder, name)), ...stamp.tools]) {
    const content = readContent(file);
    if (content === undefined) return false;
    contents.push(content);
  }
  return digestOf([manifest, wit, String(stamp.release)], contents) === stamp.digest;
}

function digestOf(texts: readonly string[], contents: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const content of [...texts.map((text) => Buffer.from(text)), ...contents])
    hash.update(`${content.length}\0`).update(content);
  return hash.digest('hex');
}

/** Reads a stamp; undefined for none or one that makes no sense. */
export function readStamp(path: string): Stamp | undefined {
  const text = readContent(path)?.toString('utf8');
  if (text === undefined) return undefined;
  try {
    const stamp: unknown = JSON.parse(text);
    if (typeof stamp !== 'object' || stamp === null) return undefined;
    const { sources, tools, release, digest } = stamp as Record<string, unknown>;
    if (!isTexts(sources) || !isTexts(tools)) return undefined;
    if (typeof release !== 'boolean' || typeof digest !== 'string') return undefined;
    return { sources, tools, release, digest };
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function readContent(path: string): Buffer | undefined {
  try {
    return readRegularFile(path);
  } catch {
    return undefined;
  }
}
