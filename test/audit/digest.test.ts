import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { Digest, digestBytesMax, Personal } from '../../host/audit/field.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { keep, newKey, temporary } from './audit-parts.ts';

test('a digest that the chain’s thread computes is that of the bytes as they were when recorded', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const { keeper, pen } = keep(folder, key);
  const lengths = [0, 1, 55, 64, 200, digestBytesMax, digestBytesMax + 1, 5_000];
  const wanted: string[] = [];
  for (let round = 0; round < 60; round += 1)
    for (const length of lengths) {
      const bytes = new Uint8Array(length).fill(round + length);
      wanted.push(hash('sha256', bytes));
      pen.append(kinds.messageSent, 'shop', 'ann', 'm1', 'a.b', null, length, new Digest(bytes), null);
      bytes.fill(0);
    }
  // Two in one event, and one beside what is sealed, are computed at once.
  const bytes = Buffer.from('twice');
  pen.append(kinds.toolCall, 'shop', '', 't', 'ok', new Digest(bytes), new Digest(bytes), 1);
  pen.append(kinds.toolCall, 'shop', '', 't', 'ok', new Digest(bytes), new Personal('ann', 'x'), 1);
  pen.append(kinds.toolCall, 'shop', '', 't', 'ok', new Personal('ann', 'x'), new Digest(bytes), 1);
  await pen.close();
  await keeper.close('test');
  const events = [...readEvents(folder)];
  const digests = events.filter(({ name }) => name === 'message-sent').map(({ fields }) => hex(fields[4]));
  assert.deepEqual(digests, wanted);
  const twice = hash('sha256', bytes);
  const calls = events
    .filter(({ name }) => name === 'tool-call')
    .map(({ fields }) => fields.slice(2, 4).map(hex));
  assert.deepEqual(calls, [
    [twice, twice],
    [twice, 'sealed'],
    ['sealed', twice],
  ]);
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
});

function hex(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : 'sealed';
}
