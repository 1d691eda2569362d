// Accepts messages for ever, saying which of them it was promised and which it settled; ended by `kill -9`.
import { writeSync } from 'node:fs';
import { openJournal } from '../../host/bus/journal/disk-journal.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { owe, sent } from './journal-parts.ts';

const [folder = '', run = '0'] = process.argv.slice(2);
const { journal } = openJournal({
  folder,
  clock: systemClock,
  random: systemRandom,
  segmentBytesMax: 50_000,
});
const owed: { readonly id: string; readonly sequence: number }[] = [];
for (let number = 0; ; ) {
  const ids: string[] = [];
  for (let index = 0; index <= number % 20; index++) {
    const id = `${run}-${number++}`;
    ids.push(id);
    owed.push({
      id,
      sequence: journal.accepted(owe(sent(id, { body: new Uint8Array(number % 500) }))),
    });
  }
  await journal.flushed();
  // One write for each line, so that a line is whole or not there.
  writeSync(1, `accepted ${ids.join(' ')}\n`);
  const done = owed.splice(0, owed.length > 200 ? 30 : 5);
  const names = done.map(({ id }) => id).join(' ');
  writeSync(1, `settling ${names}\n`);
  for (const { sequence } of done) journal.settled(sequence);
  await journal.flushed();
  writeSync(1, `settled ${names}\n`);
}
