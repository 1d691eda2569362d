import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '../clock.ts';
import { cacheFolder } from '../config.ts';
import { HostError, plainText } from '../errors.ts';
import { createHost, type Description } from '../host.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { loadProgram } from './program.ts';
import { formatBytes } from './report.ts';

export const command: Command = {
  summary: 'show what a program is, what it imports and what it would need granted',
  help: `host inspect: shows a program without running it

Usage: host inspect FILE|FOLDER [--json]

Prints the digest, the lane it would run on, sizes, its world (imports and exports as WIT), its core modules
with what they begin with, and the flags it would need.
`,
  run: async (words) => {
    const { path, json } = readWords(words);
    const program = await loadProgram(path);
    const host = createHost({
      cacheFolder: cacheFolder(process.env),
      clock: systemClock,
      random: systemRandom,
    });
    try {
      const description = await host.describe(await host.prepare(program.bytes));
      process.stdout.write(json ? `${JSON.stringify(description)}\n` : textOf(path, description));
      return exitCodes.ok;
    } finally {
      await host.close();
    }
  },
};

function readWords(words: readonly string[]): { path: string; json: boolean } {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (cause) {
    throw flagError('inspect', cause, ['json']);
  }
  const [path, ...more] = parsed.positionals;
  if (path === undefined || more.length > 0) {
    throw new HostError('HOST_ERR_CLI_USAGE', 'which program? host inspect FILE|FOLDER [--json]');
  }
  return { path, json: parsed.values.json === true };
}

function parse(words: readonly string[]): { values: { json?: boolean }; positionals: string[] } {
  return parseArgs({ args: [...words], options: { json: { type: 'boolean' } }, allowPositionals: true });
}

function textOf(path: string, description: Description): string {
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
  return `${head}\n${plainText(description.interface, true)}`;
}
