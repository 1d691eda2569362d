import { existsSync } from 'node:fs';
import { readHead } from './head.ts';
import { subjectsPath } from './subject-file.ts';
import { type PersonalReader, personalReader } from './subjects.ts';

/** What the host's secret gives the key of `subjects.keys` for. */
export const subjectsUse = 'audit/subjects';

/**
 * What a chain's own folder can read of what is said about people; undefined where the keys are not.
 * @param key as in `SubjectsSeal`
 * @throws as `personalReader`
 */
export function readPeople(folder: string, key: Uint8Array): PersonalReader | undefined {
  const head = readHead(folder);
  if (head === undefined || !existsSync(subjectsPath(folder))) return undefined;
  return personalReader(folder, head.signed.seal.chain, key);
}
