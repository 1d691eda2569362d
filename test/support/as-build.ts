import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildResult, buildAgent } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { resolveTarget, type Target, worldTarget } from '../../guest-sdk/build/target.ts';
import { witFolder, witOf } from '../../guest-sdk/build/wit-text.ts';

/** An agent in AssemblyScript that is to be compiled: texts by file name, `assembly/index.ts` among them. */
export interface AsOrder {
  readonly files: Readonly<Record<string, string>>;
  /** A WIT package that refers to ours. Without it the world is one of ours. */
  readonly wit: string | undefined;
  readonly world: string;
  readonly release: boolean;
  readonly countBlocks: boolean;
}

/** Compiles in this process. */
export async function buildHere({ files, wit, world, ...options }: AsOrder): Promise<BuildResult> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-written-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const target = await targetOf(wit, world);
    return await buildAgent({ folder, entry: 'assembly/index.ts', target, ...options });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function targetOf(wit: string | undefined, world: string): Promise<Target> {
  return wit === undefined ? resolveTarget('', world) : worldTarget(witOf(wit, [witFolder]), world);
}
