import { plainText } from '../errors.ts';
import type { Difference } from '../host/serving.ts';

/** What a new version asks for that the one before did not, a line each: `+ imports …`. */
export function differenceText(difference: Partial<Difference>): string {
  const { newImports = [], droppedImports = [], newGrants = [], droppedGrants = [], newSigner } = difference;
  const lines = [
    ...newImports.map((name) => `+ imports ${name}`),
    ...newGrants.map((line) => `+ ${line}`),
    ...(newSigner === undefined || newSigner === null ? [] : [`+ signer ${newSigner}`]),
    ...droppedImports.map((name) => `- imports ${name}`),
    ...droppedGrants.map((line) => `- ${line}`),
  ];
  return lines.map((line) => `  ${plainText(line)}\n`).join('');
}

/** Whether it can do more than before. */
export function wantsMore({ newImports = [], newGrants = [], newSigner }: Partial<Difference>): boolean {
  return newImports.length > 0 || newGrants.length > 0 || typeof newSigner === 'string';
}
