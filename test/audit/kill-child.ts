// Appends for ever, saying what was promised to be durable; ended by `kill -9`.
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { Audit } from '../../host/audit/audit.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { systemClock } from '../../host/clock.ts';

const [folder = '', keyFile = '', run = ''] = process.argv.slice(2);
const privateKey = createPrivateKey(readFileSync(keyFile));
const limits = { segmentBytesMax: 40_000 };
const subjects = { key: new Uint8Array(32).fill(5), takesUnsealed: false };
const audit = await Audit.start({
  folder,
  privateKey,
  version: 'kill',
  clock: systemClock,
  limits,
  subjects,
});
const pen = audit.pen();
for (let number = 0; ; ) {
  for (let index = 0; index <= number % 37; index++)
    pen.append(kinds.hostCall, 'shop', '', `${run}-${number++}`, 'ok', null, 'x'.repeat(number % 300));
  await pen.flushed();
  // One write for each line, so that a line is whole or not there.
  writeSync(1, `durable ${run}-${number - 1}\n`);
}
