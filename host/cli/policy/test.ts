import type { Clock } from '../../clock.ts';
import { HostError, plainText } from '../../errors.ts';
import {
  type CaseResult,
  faultText,
  invalidPolicies,
  type LoadedFolder,
  type PolicyFault,
  PolicyReader,
  type PolicySet,
  readCases,
  runCases,
  tomlFault,
} from '../../host/policy/policy.ts';
import { exitCodes } from '../exit-code.ts';
import { counted } from './check.ts';

interface FileResult {
  readonly file: string;
  readonly results: readonly CaseResult[];
}

/** Decides the cases of a folder. @throws HostError `HOST_ERR_POLICY_INVALID` for policies or cases that cannot be read */
export function testFolder(folder: string, isJson: boolean, clock: Clock): number {
  const loaded = new PolicyReader().read(folder);
  if (loaded.set === undefined) throw invalidPolicies(folder, loaded.faults);
  const { files, faults } = testLoaded(loaded, loaded.set, clock);
  if (faults.length > 0) throw invalidPolicies(folder, faults);
  if (files.length === 0)
    throw new HostError('HOST_ERR_FILE_NOT_FOUND', `${folder} has no cases; write some into NAME.test.toml`, {
      path: folder,
    });
  process.stdout.write(isJson ? jsonOf(files) : textOf(files));
  return files.every(({ results }) => results.every(isRight)) ? exitCodes.ok : exitCodes.failure;
}

/** Decides the cases that lie beside policies. */
export function testLoaded(
  { cases }: LoadedFolder,
  set: PolicySet,
  clock: Clock,
): { readonly files: readonly FileResult[]; readonly faults: readonly PolicyFault[] } {
  const files: FileResult[] = [];
  const faults: PolicyFault[] = [];
  for (const file of cases)
    try {
      files.push({ file: file.name, results: runCases(readCases(file), set, clock) });
    } catch (error) {
      faults.push(tomlFault(file, error));
    }
  return { files, faults };
}

function isRight({ faults }: CaseResult): boolean {
  return faults.length === 0;
}

/** What came out otherwise, and how many there were. */
export function textOf(files: readonly FileResult[]): string {
  const all = files.flatMap(({ results }) => results);
  const wrong = files.flatMap(({ file, results }) =>
    results.filter((result) => !isRight(result)).map((result) => wrongText(file, result)),
  );
  const count = `${counted(all.length, 'case', 'cases')}, ${wrong.length} not as expected`;
  return `${wrong.join('')}${count}\n`;
}

function wrongText(file: string, { name, faults, decision }: CaseResult): string {
  const by = decision.policies.length === 0 ? '' : `    by ${decision.policies.join(', ')}\n`;
  return `${plainText(`${file}: ${name}`)}\n${faults.map((fault) => `    ${plainText(fault)}\n`).join('')}${by}`;
}

function jsonOf(files: readonly FileResult[]): string {
  const lines = files.flatMap(({ file, results }) =>
    results.map(({ name, decision, faults }) => {
      const { kind, policies, reason } = decision;
      return `${JSON.stringify({ file, name, ok: faults.length === 0, kind, policies, reason, faults })}\n`;
    }),
  );
  return lines.join('');
}

/** A line for each fault. */
export function faultLines(faults: readonly PolicyFault[]): string {
  return faults.map((fault) => `  ${plainText(faultText(fault))}\n`).join('');
}
