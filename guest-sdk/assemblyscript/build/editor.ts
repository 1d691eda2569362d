import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOwnFile } from '../../build/own-file.ts';
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
  const types = new URL('../std/assembly/index.d.ts', import.meta.resolve('assemblyscript'));
  writeChanged(folder, `${editorFolder}/assemblyscript.d.ts`, readFileSync(types, 'utf8'));
  for (const [file, text] of sdkSources()) {
    if (!file.startsWith('std/')) writeChanged(folder, `${editorFolder}/sdk/${file}`, text);
  }
}

function writeChanged(folder: string, path: string, text: string): void {
  const whole = join(folder, path);
  const stat = lstatSync(whole, { throwIfNoEntry: false });
  const isSame = stat?.isFile() === true && stat.size === Buffer.byteLength(text);
  if (isSame && readFileSync(whole, 'utf8') === text) return;
  writeOwnFile(folder, path, text);
}
