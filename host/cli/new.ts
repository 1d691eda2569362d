import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { entryOf, type Language, type LanguageName, type Template } from '../../guest-sdk/build/language.ts';
import { languageWords, loadLanguage } from '../../guest-sdk/build/languages.ts';
import { HostError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { isAgentName, manifestFile } from '../manifest.ts';
import { nearest } from '../nearest.ts';
import { systemFault } from '../system-fault.ts';
import type { Command } from './command.ts';
import { commandName } from './command-name.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { openProject } from './project.ts';

const options = {
  lang: { type: 'string', short: 'l', default: 'as' },
  template: { type: 'string', short: 't', default: 'handler' },
} as const;

/** What each template is built for. */
const worlds: Readonly<Record<Template, string>> = {
  handler: 'handler',
  agent: 'agent',
  async: 'async-handler',
  http: 'wasi:http/proxy@0.2.0',
  cli: 'command',
};
const templates = Object.keys(worlds) as Template[];
const templateWords: Readonly<Record<string, Template>> = {
  ...(Object.fromEntries(templates.map((name) => [name, name])) as Record<Template, Template>),
  command: 'cli',
};
const shownLanguages = ['as', 'rust', 'ts', 'c'];

export const command: Command = {
  summary: 'make a folder with a new agent in it',
  help: `host new: makes a folder with a new agent in it

Usage: host new NAME [--lang as|rust|ts|c] [--template handler|agent|async|http|cli]

Makes the folder NAME with an agent that builds and runs as it is.

  -l, --lang as        AssemblyScript: like TypeScript, small and quick, needs nothing but npm (the default)
             rust      Rust, with cargo
             ts        TypeScript or JavaScript, on an engine inside the program
             c         C, with clang

  -t, --template handler   answers messages (the default)
                 agent     answers messages, and is told when it starts and stops
                 async     answers messages, and waits for several other agents at once (as and rust)
                 http      answers HTTP requests
                 cli       a program with arguments, standard input and output
`,
  run: async (args) => {
    const { folder, languageName, template } = readFlags(args);
    requireFree(folder);
    const language = await loadLanguage(languageName);
    requireTemplate(language, template);
    const files = new Map(language.scaffold(basename(folder), template));
    files.set(manifestFile, manifestOf(basename(folder), template, languageName));
    await makeProject(folder, files);
    process.stdout.write(nextSteps(relative('.', folder) || '.', language, template));
    return exitCodes.ok;
  },
};

function readFlags(args: readonly string[]): {
  folder: string;
  languageName: LanguageName;
  template: Template;
} {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw flagError('new', cause, Object.keys(options));
  }
  const { values, positionals } = parsed;
  const [path] = positionals;
  if (path === undefined || positionals.length > 1)
    throw new HostError('HOST_ERR_CLI_USAGE', 'give the new agent one name: host new NAME');
  return {
    folder: folderOf(path),
    languageName: wordOf('language', values.lang, languageWords, shownLanguages),
    template: wordOf('template', values.template, templateWords, templates),
  };
}

function parse(args: readonly string[]) {
  return flagsOf(args, options);
}

function folderOf(path: string): string {
  const folder = resolve(path);
  if (isAgentName(basename(folder))) return folder;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `'${basename(folder)}' cannot be an agent's name: lower-case letters, digits and dashes, beginning with a letter, at most 63`,
    { path },
  );
}

function wordOf<T>(
  kind: string,
  word: string,
  words: Readonly<Record<string, T>>,
  shown: readonly string[],
): T {
  const found = Object.hasOwn(words, word) ? words[word] : undefined;
  if (found !== undefined) return found;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `no ${kind} '${word}'${nearest(word, Object.keys(words))}; the ${kind}s are: ${shown.join(', ')}`,
  );
}

/** @throws HostError `HOST_ERR_CLI_USAGE` */
function requireTemplate({ title, templates: own }: Language, template: Template): void {
  if (own.includes(template)) return;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${title} has no template '${template}'; it has: ${own.join(', ')}`,
    { template },
  );
}

/** What an agent made of a template needs beside its world. */
const needs: { readonly [template in Template]?: (name: string) => string } = {
  async: () => `
# Whom it may ask: any agent. Better name those that it needs.
[capabilities.bus]
send = ["agent.*"]
`,
  http: (name) => `
# Where host serve answers its requests: under this path.
[http]
route = "/${name}"
`,
};

function manifestOf(name: string, template: Template, language: LanguageName): string {
  return `name = "${name}"
world = "${worlds[template]}"
language = "${language}"
${needs[template]?.(name) ?? ''}
# Limits narrow what the host allows anyway. Take away the # to set one.
[limits]
# fuel = "1G"
# memory = "64MiB"
# deadline = "5s"
`;
}

function requireFree(folder: string): void {
  if (isFree(folder)) return;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${relative('.', folder) || '.'} exists and is not an empty folder; nothing was changed`,
    { folder },
  );
}

function isFree(folder: string): boolean {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat === undefined || (stat.isDirectory() && readdirSync(folder).length === 0);
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot look at ${folder}: ${reason}`, { folder }, cause);
  }
}

/** Writes a project and what editors need for it. When that fails, the folder is as it was. */
async function makeProject(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const made = firstMissing(folder);
  try {
    for (const [name, text] of files) write(join(folder, name), text);
    const { language, project } = await openProject(folder, false);
    await language.writeTypes(project);
  } catch (cause) {
    if (made === undefined) for (const name of readdirSync(folder)) remove(join(folder, name));
    else remove(made);
    if (cause instanceof HostError) throw cause;
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot write ${folder}: ${reason}`, { folder }, cause);
  }
}

/** The uppermost folder that has to be made; undefined when `folder` is there. */
function firstMissing(folder: string): string | undefined {
  let missing: string | undefined;
  for (let at = folder; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing = at;
  return missing;
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function write(path: string, text: string): void {
  makeFolder(dirname(path));
  writeFileSync(path, text);
}

function nextSteps(shown: string, language: Language, template: Template): string {
  const self = commandName();
  const steps = tries[template].map(([words, what]) => [
    `${self} ${words.replace('NAME', shown).replace('PARENT', dirname(shown))}`,
    what.replace('host invoke NAME', `${self} invoke ${basename(shown)}`),
  ]);
  const width = Math.max(...steps.map(([words = '']) => words.length));
  const lines = steps.map(([words = '', what]) => `  ${words.padEnd(width)}   # ${what}\n`);
  const entry = entryOf(language, template === 'cli' ? 'command' : 'world');
  return `${shown}/${entry} is your agent, in ${language.title}; next:\n\n${lines.join('')}`;
}

const tries: Readonly<Record<Template, readonly (readonly [words: string, what: string])[]>> = {
  handler: [
    ['run NAME --input world', 'build it and hand it a message'],
    ['dev NAME', 'talk to it, line by line; built again whenever you save'],
  ],
  agent: [
    ['run NAME --input world', 'build it and hand it a message'],
    ['dev NAME', 'talk to it, line by line; built again whenever you save'],
  ],
  async: [
    ['run NAME --input greeter', 'build it; nobody else is there to be asked'],
    ['serve PARENT', 'serve it and the agents beside it; then: host invoke NAME --input greeter'],
  ],
  http: [
    ['dev NAME', 'build it and serve it on 127.0.0.1; built again whenever you save'],
    ['serve NAME', 'keep it alive, with limits and logs, under the route in agent.toml'],
  ],
  cli: [
    ['run NAME < FILE', 'build it and run it with a standard input'],
    ['dev NAME --input TEXT', 'run it again whenever you save'],
  ],
};
