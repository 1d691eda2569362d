import { existsSync } from 'node:fs';
import { readHead } from './head.ts';
import { type PersonalReader, personalReader, subjectsPath } from './subjects.ts';

/** What a chain's own folder can read of what is said about people; undefined where the keys are not. */
export function readPeople(folder: string): PersonalReader | undefined {
  const head = readHead(folder);
  if (head === undefined || !existsSync(subjectsPath(folder))) return undefined;
  return personalReader(folder, head.signed.seal.chain);
}
