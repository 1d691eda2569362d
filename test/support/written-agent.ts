import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildResult, buildAgent } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { resolveTarget, type Target, worldTarget } from '../../guest-sdk/build/target.ts';
import { witFolder, witOf } from '../../guest-sdk/build/wit-text.ts';

export interface WrittenOptions {
  /** A WIT package. Without it the world is one of ours. */
  readonly wit?: string;
  /** The world's name: `w` by default in a package of one's own, else `handler`. */
  readonly world?: string;
  readonly release?: boolean;
  readonly countBlocks?: boolean;
}

/** Builds an agent from AssemblyScript that is written in a test: one text, or texts by file name. */
export async function writtenAgent(
  source: string | Readonly<Record<string, string>>,
  options: WrittenOptions = {},
): Promise<BuildResult> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-written-'));
  try {
    const files = typeof source === 'string' ? { 'assembly/index.ts': source } : source;
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { release = false, countBlocks = false } = options;
    const target = await targetOf(options);
    return await buildAgent({ folder, entry: 'assembly/index.ts', target, release, countBlocks });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function targetOf({ wit, world }: WrittenOptions): Promise<Target> {
  return wit === undefined
    ? resolveTarget('', world ?? 'handler')
    : worldTarget(witOf(wit, [witFolder]), world ?? 'w');
}
