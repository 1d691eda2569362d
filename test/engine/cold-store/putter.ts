// Puts one snapshot after the other into the store in folder ARGV[2] and says which are kept, until it is ended
// or refused. Every third agent is woken again: its snapshot deleted, and that said.
import { writeSync } from 'node:fs';
import { openStore, snapshotOf } from './snapshots.ts';

const store = await openStore(process.argv[2] ?? '', { segmentBytesMax: 256 * 1024 });
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
try {
  for (let mark = 0; ; mark += 1) {
    const name = `agent-${mark % 40}`;
    await store.put(name, snapshotOf(mark));
    say(`put ${name} ${mark}`);
    if (mark % 3 !== 0) continue;
    say(`waking ${name}`);
    await store.delete(name);
    say(`woke ${name}`);
  }
} catch (error) {
  say(`refused ${(error as { readonly code?: string }).code}`);
  const size = store.size;
  const names = Array.from({ length: 40 }, (_, number) => `agent-${number}`);
  const name = names.find((each) => store.has(each)) ?? '';
  say(`still ${size} ${await store.delete(name)} ${name}`);
}
