import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from '../../build/language.ts';
import { rustFolder } from './sdk.ts';

/** A new project's files by name. The templates are cargo packages called `template`. */
export function scaffold(name: string, template: Template): ReadonlyMap<string, string> {
  const folder = join(rustFolder, 'templates', template);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = files.sort().map((path) => {
    const text = readFileSync(path, 'utf8').replaceAll('"template"', `"${name}"`);
    return [path.slice(folder.length + 1).replaceAll('\\', '/'), text] as const;
  });
  return new Map([...texts, ['.gitignore', 'build/\ntarget/\n'], ['README.md', readmeOf(name, template)]]);
}

const uses: Readonly<Record<Template, string>> = {
  handler: 'host run . --input world     # one message with the body "world"',
  agent: 'host run . --input world     # one message with the body "world"',
  async: 'host serve .                 # then: host invoke NAME --input greeter',
  http: 'host dev .                   # serves it on 127.0.0.1',
  cli: 'host run . < README.md       # with a standard input',
};

export const templateNames: readonly Template[] = Object.keys(uses) as Template[];

function readmeOf(name: string, template: Template): string {
  const source = template === 'cli' ? 'src/main.rs' : 'src/lib.rs';
  return `# ${name}

\`\`\`
host build                   # ${source} -> build/${name}.wasm
${uses[template]}
host build --release         # the smallest it gets
host inspect build/${name}.wasm
\`\`\`

\`${source}\` is the program, \`agent.toml\` says what it is and what it may use, \`Cargo.toml\` is cargo's.
\`build/\` can be deleted at any time: \`host build\` makes it again, with the SDK that \`Cargo.toml\` points to;
\`host types\` makes the SDK alone, for cargo and editors in a fresh clone.
`;
}
