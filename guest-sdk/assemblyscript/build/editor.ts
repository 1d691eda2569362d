import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sdkSources, versionedSpecifiers } from './sdk-sources.ts';

/** Where an agent's folder keeps what editors need; made again by every build, never edited. */
export const editorFolder = 'build/editor';

/** The `tsconfig.json` that makes editors understand AssemblyScript and imports by WIT name. */
export function editorConfig(): string {
  const paths = Object.fromEntries(
    versionedSpecifiers().map(([name, file]) => [name, [`./${editorFolder}/sdk/${file}.ts`]]),
  );
  const config = {
    compilerOptions: {
      target: 'esnext',
      module: 'esnext',
      moduleResolution: 'bundler',
      noLib: true,
      noEmit: true,
      strict: true,
      strictPropertyInitialization: false,
      experimentalDecorators: true,
      skipLibCheck: true,
      types: [],
      paths,
    },
    include: ['assembly', `${editorFolder}/assemblyscript.d.ts`],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Puts the SDK's sources and AssemblyScript's own types where `editorConfig` looks for them. */
export function writeEditorFiles(folder: string): void {
  const home = join(folder, editorFolder);
  const types = new URL('../std/assembly/index.d.ts', import.meta.resolve('assemblyscript'));
  writeChanged(join(home, 'assemblyscript.d.ts'), readFileSync(types, 'utf8'));
  for (const [file, text] of sdkSources()) {
    if (!file.startsWith('std/')) writeChanged(join(home, 'sdk', file), text);
  }
}

function writeChanged(path: string, text: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === Buffer.byteLength(text) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
