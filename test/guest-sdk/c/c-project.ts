import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type WorldTarget, worldTarget } from '../../../guest-sdk/build/target.ts';
import { witOf } from '../../../guest-sdk/build/wit-text.ts';
import { findClang } from '../../../guest-sdk/c/build/clang.ts';
import { HostError } from '../../../host/errors.ts';

/** Why tests that compile C do not run here; false where they do. On CI they always run. */
export const skip: string | false = await missingTool();

async function missingTool(): Promise<string | false> {
  if (process.env.CI) return false;
  try {
    await findClang();
    return false;
  } catch (cause) {
    if (cause instanceof HostError && cause.code === 'HOST_ERR_TOOL_MISSING') return cause.message;
    throw cause;
  }
}

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files; it is gone when the process ends. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-c-test-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A world out of WIT text. */
export function worldOf(wit: string, world: string): Promise<WorldTarget> {
  return worldTarget(witOf(wit.replace(/(package [^;]*;)/, '\n$1\n')), world);
}

/** C that counts the blocks of memory in use as `live_blocks`, linked with `countFlags`. */
export const counter = `
#include <stdlib.h>
static int live_blocks;
void *__real_malloc(size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size) {
  live_blocks += 1;
  return __real_malloc(size);
}
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size) {
  if (block == NULL) live_blocks += 1;
  return __real_realloc(block, size);
}
void __wrap_free(void *block) {
  if (block != NULL) live_blocks -= 1;
  __real_free(block);
}
`;

export const countFlags: readonly string[] = ['--wrap=malloc', '--wrap=realloc', '--wrap=free'];
