import { once } from 'node:events';
import type { Clock } from '../../clock.ts';
import { PolicyReader, PolicyWatch } from '../../host/policy/policy.ts';
import { exitCodes } from '../exit-code.ts';
import { countText } from './check.ts';
import { faultLines, testLoaded, textOf } from './test.ts';

/** Checks and tests a folder whenever it changes, until it is told to end. */
export async function watchFolder(folder: string, clock: Clock): Promise<number> {
  const reader = new PolicyReader();
  const look = (): void => {
    process.stdout.write(lookAt(reader, folder, clock));
  };
  const watch = new PolicyWatch({ folder, clock, onChange: look });
  const end = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  look();
  if (!end.signal.aborted) await once(end.signal, 'abort');
  watch.close();
  return exitCodes.cancelled;
}

function lookAt(reader: PolicyReader, folder: string, clock: Clock): string {
  const loaded = reader.read(folder);
  if (loaded.set === undefined) return `${folder}: not taken:\n${faultLines(loaded.faults)}`;
  const { files, faults } = testLoaded(loaded, loaded.set, clock);
  const tests = files.length === 0 ? '' : textOf(files);
  return `${folder}: ${countText(loaded)}\n${faultLines(faults)}${tests}`;
}
