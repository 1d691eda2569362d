import { faultText, invalidPolicies, type LoadedFolder, PolicyReader } from '../../host/policy/policy.ts';
import { exitCodes } from '../exit-code.ts';

/** Says whether the policies of a folder are valid. @throws HostError `HOST_ERR_POLICY_INVALID` with each fault */
export function checkFolder(folder: string, isJson: boolean): number {
  const loaded = new PolicyReader().read(folder);
  if (isJson) {
    process.stdout.write(`${JSON.stringify(checkJson(loaded))}\n`);
    return loaded.set === undefined ? exitCodes.badInput : exitCodes.ok;
  }
  if (loaded.set === undefined) throw invalidPolicies(folder, loaded.faults);
  process.stdout.write(`${folder}: ${countText(loaded)}\n`);
  return exitCodes.ok;
}

function checkJson({ set, faults, fileCount }: LoadedFolder): unknown {
  return {
    valid: set !== undefined,
    files: fileCount,
    policies: set?.rules.map(({ id, file, line, effect, kind }) => ({ id, file, line, effect, kind })) ?? [],
    faults: faults.map((fault) => ({ ...fault, text: faultText(fault) })),
  };
}

/** `12 policies in 3 files, 5 permits and 7 forbids`. */
export function countText({ set, fileCount }: LoadedFolder): string {
  const rules = set?.rules ?? [];
  const forbids = rules.filter(({ effect }) => effect === 'forbid').length;
  const what = `${counted(rules.length, 'policy', 'policies')} in ${counted(fileCount, 'file', 'files')}`;
  if (rules.length === 0) return `${what}: everything is denied`;
  const permits = counted(rules.length - forbids, 'permit', 'permits');
  return `${what}: ${permits}, ${counted(forbids, 'forbid', 'forbids')}`;
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
