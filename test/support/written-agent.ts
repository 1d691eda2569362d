import type { BuildResult } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { order } from './workshop.ts';

export interface WrittenOptions {
  /** A WIT package. Without it the world is one of ours. */
  readonly wit?: string;
  /** The world's name: `w` by default in a package of one's own, else `handler`. */
  readonly world?: string;
  readonly release?: boolean;
  readonly countBlocks?: boolean;
}

/** Builds an agent from AssemblyScript that is written in a test: one text, or texts by file name. */
export function writtenAgent(
  source: string | Readonly<Record<string, string>>,
  { wit, world, release = false, countBlocks = false }: WrittenOptions = {},
): Promise<BuildResult> {
  return order({
    files: typeof source === 'string' ? { 'assembly/index.ts': source } : source,
    wit,
    world: world ?? (wit === undefined ? 'handler' : 'w'),
    release,
    countBlocks,
  });
}
