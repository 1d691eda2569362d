import { existsSync } from 'node:fs';
import { systemClock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import {
  builtInTemplate,
  makeReport,
  parseTemplate,
  type ReportTemplate,
  reportJson,
  reportText,
  templates,
} from '../../host/record/audit.ts';
import { nearest } from '../../nearest.ts';
import { exitCodes } from '../exit-code.ts';
import { chainFolder, type PlaceFlags, publicKeys, readText } from './chain-place.ts';
import { momentOf } from './event-flags.ts';

export interface ReportFlags extends PlaceFlags {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly json?: boolean | undefined;
}

const monthMs = 30 * 86_400_000;

/** Prints which controls the chain has evidence for. @returns 1 when the chain does not verify */
export async function report([name, named]: readonly string[], flags: ReportFlags): Promise<number> {
  const template = templateOf(name);
  const folder = chainFolder(named, flags);
  const nowMs = Number(systemClock.wallNs() / 1_000_000n);
  const made = await makeReport({
    folder,
    publicKeys: publicKeys(folder, flags).keys,
    template,
    fromMs: flags.from === undefined ? nowMs - monthMs : momentOf('--from', flags.from, nowMs),
    toMs: flags.to === undefined ? nowMs : momentOf('--to', flags.to, nowMs),
    nowMs,
  });
  process.stdout.write(
    flags.json === true ? `${reportJson(made).trimEnd()}\n` : `${reportText(made).trimEnd()}\n`,
  );
  return made.verification.isIntact ? exitCodes.ok : exitCodes.failure;
}

function templateOf(name: string | undefined): ReportTemplate {
  const names = Object.keys(templates);
  const known = name === undefined || !Object.hasOwn(templates, name) ? undefined : builtInTemplate(name);
  if (known !== undefined) return known;
  if (name !== undefined && existsSync(name)) return parseTemplate(readText(name, 'the template'));
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    name === undefined
      ? `which report? ${names.join(', ')}, or the file of a template of your own`
      : `no report '${name}'${nearest(name, names)}: there are ${names.join(', ')}, and no file is called so`,
  );
}
