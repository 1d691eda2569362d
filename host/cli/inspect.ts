import { systemClock, systemRandom } from '../clock.ts';
import { cacheFolder } from '../config.ts';
import { HostError, plainText } from '../errors.ts';
import { createHost, type Description } from '../host.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { loadProgram } from './program.ts';
import { formatBytes } from './report.ts';

const options = {
  full: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export const command: Command = {
  summary: 'show what a program is, what it imports and what it would need granted',
  help: `host inspect: shows a program without running it

Usage: host inspect FILE|FOLDER [--full] [--json]

Prints the digest, the lane it would run on, sizes, its core modules with what they begin with, the flags it
would need, and its world (imports and exports as WIT). A FOLDER is built first if it changed.

  --full    what is in the imported interfaces of WASI and motehost:agent too
  --json    everything as one JSON document
`,
  run: async (words) => {
    const { path, full, json } = readWords(words);
    const program = await loadProgram(path);
    const host = createHost({
      cacheFolder: cacheFolder(process.env),
      clock: systemClock,
      random: systemRandom,
    });
    try {
      const description = await host.describe(await host.prepare(program.bytes));
      process.stdout.write(
        json ? `${JSON.stringify(description)}\n` : textOf(program.path, description, full),
      );
      return exitCodes.ok;
    } finally {
      await host.close();
    }
  },
};

function readWords(words: readonly string[]): { path: string; full: boolean; json: boolean } {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (cause) {
    throw flagError('inspect', cause, Object.keys(options));
  }
  const [path, ...more] = parsed.positionals;
  if (path === undefined || more.length > 0) {
    throw new HostError('HOST_ERR_CLI_USAGE', 'which program? host inspect FILE|FOLDER [--full] [--json]');
  }
  return { path, full: parsed.values.full, json: parsed.values.json };
}

function parse(words: readonly string[]) {
  return flagsOf(words, options);
}

function textOf(path: string, description: Description, full: boolean): string {
  const { digest, kind, bytes, lane, laneReason, main, modules, needs } = description;
  const rows = [
    ['file', `${path} (${formatBytes(bytes)}, ${kind})`],
    ['digest', digest],
    ['runs', `${main}, on the ${lane} lane${laneReason === undefined ? '' : ` (${laneReason})`}`],
    ...modules.map((module) => [
      'module',
      `${module.name}: ${formatBytes(module.bytes)}, ${module.functions} functions, ${module.memoryPages} pages, ${module.tableElements} table elements`,
    ]),
    ...(needs.length === 0
      ? [['needs', 'no grant']]
      : needs.map(({ flag, because }) => ['may need', `${flag} for ${because}`])),
  ];
  const head = rows.map(([name = '', value = '']) => `${name.padEnd(9)}${plainText(value)}\n`).join('');
  const world = plainText(description.interface, true);
  return `${head}\n${full ? world : shortened(world)}`;
}

/** Without the content of imported interfaces that everybody has, in which a program's own would drown. */
function shortened(world: string): string {
  const known = /^ {2}import ((?:wasi|motehost):\S+): interface \{\n(?: {4}.*\n)* {2}\}$/gm;
  return world.replace(known, '  import $1;');
}
