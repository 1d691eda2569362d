import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Built } from '../../guest-sdk/build/language.ts';
import { resolveTarget, type Target, type WorldTarget, worldTarget } from '../../guest-sdk/build/target.ts';
import { witFolder, witOf } from '../../guest-sdk/build/wit-text.ts';
import { javascript } from '../../guest-sdk/javascript/build/javascript.ts';
import { decodeComponent } from '../../host/engine/component/decode.ts';
import { instantiateFast } from '../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../host/engine/fast-lane/plan.ts';
import { instantiateGeneral } from '../../host/engine/general-lane/general-lane.ts';
import type { Instance } from '../../host/engine/instance.ts';
import type { Linker } from '../../host/engine/linker.ts';
import { meter } from '../../host/engine/meter/meter.ts';
import { makeFolder } from '../../host/folder.ts';
import { budgetWith, prepareMetered } from '../engine/general-lane/lane.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-script-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));
let count = 0;

/** A folder with these files, the first being the entry, and the project they make. */
export function scriptFolder(files: Readonly<Record<string, string>>): { folder: string; entry: string } {
  count += 1;
  const folder = join(home, String(count));
  for (const [name, text] of Object.entries(files)) {
    makeFolder(dirname(join(folder, name)));
    writeFileSync(join(folder, name), text);
  }
  return { folder, entry: Object.keys(files)[0] as string };
}

/** Builds an agent in JavaScript or TypeScript; a text alone is `agent.js`, whose types nobody checks. */
export async function buildScript(
  source: string | Readonly<Record<string, string>>,
  world: { readonly wit: string; readonly world?: string } | string = 'handler',
): Promise<
  Built & { readonly bytes: Uint8Array<ArrayBuffer>; readonly target: Target; readonly folder: string }
> {
  const { folder, entry } = scriptFolder(typeof source === 'string' ? { 'agent.js': source } : source);
  const target = typeof world === 'string' ? await resolveTarget(folder, world) : await targetOf(world);
  const built = await javascript.build({ folder, name: 'script', entry, target, release: false });
  return { ...built, bytes: new Uint8Array(built.bytes), target, folder };
}

export function targetOf({
  wit,
  world = 'w',
}: {
  readonly wit: string;
  readonly world?: string;
}): Promise<WorldTarget> {
  return worldTarget(witOf(wit, [witFolder]), world);
}

export async function onFastLane(bytes: Uint8Array<ArrayBuffer>, linker: Linker): Promise<Instance> {
  const plan = planFastLane(decodeComponent(bytes));
  if ('refused' in plan) throw new Error(plan.refused);
  const { offset, length } = plan.module;
  const core = bytes.slice(offset, offset + length);
  const metered = meter(core, { fuelCell: 'own', importCharges: plan.importCharges }).bytes;
  return await instantiateFast(plan, new WebAssembly.Module(metered), linker, budgetWith());
}

export async function onGeneralLane(bytes: Uint8Array<ArrayBuffer>, linker: Linker): Promise<Instance> {
  return await instantiateGeneral(await prepareMetered(bytes, linker), linker, budgetWith());
}
