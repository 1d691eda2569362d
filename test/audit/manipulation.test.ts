import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChainHash } from '../../host/audit/chain-hash.ts';
import { anchorText, headPath, parseAnchor, readHead } from '../../host/audit/head.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { merkleRoot } from '../../host/audit/merkle.ts';
import { decodeSeal, encodeSeal, signSeal } from '../../host/audit/seal.ts';
import { decodeHeader } from '../../host/audit/segment.ts';
import { keySigner, type Signer } from '../../host/audit/signer.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { type KeyPair, newKey, startAudit, temporary } from './audit-parts.ts';
import {
  dice,
  firstDifference,
  type Place,
  placesOf,
  readSegments,
  type Segments,
  writeSegments,
} from './chain-copy.ts';

/** Some 700 events in some 60 batches and 6 segments, closed as it should be. */
async function makeChain(t: TestContext, folder: string, key: KeyPair, events = 700): Promise<void> {
  const audit = await startAudit(t, folder, key, { limits: { segmentBytesMax: 12_000 } });
  const pen = audit.pen();
  const roll = dice(7);
  for (let done = 0; done < events; ) {
    const burst = 1 + roll(25);
    for (let index = 0; index < burst; index++)
      pen.append(
        kinds.messageSent,
        'shop',
        '',
        `m${done + index}`,
        'orders.new',
        'billing',
        roll(900),
        null,
        null,
      );
    done += burst;
    await pen.flushed();
  }
  await pen.close();
  await audit.close();
}

type Change = (
  segments: Map<number, Buffer>,
  places: readonly Place[],
  roll: (max: number) => number,
) => void;

function pick<T>(list: readonly T[], roll: (max: number) => number): T {
  return list[roll(list.length)] as T;
}

function splice(segments: Map<number, Buffer>, place: Place, removed: number, put: Uint8Array): void {
  const bytes = segments.get(place.segment) as Buffer;
  const { offset } = place;
  segments.set(
    place.segment,
    Buffer.concat([bytes.subarray(0, offset), put, bytes.subarray(offset + removed)]),
  );
}

function bytesOf(segments: Segments, { segment, offset, length }: Place): Buffer {
  return (segments.get(segment) as Buffer).subarray(offset, offset + length);
}

/** A whole batch as one place. */
function batchPlace(places: readonly Place[], batch: number): Place {
  const entries = places.filter((place) => place.kind !== 'header' && place.batch === batch);
  const [first, last] = [entries[0] as Place, entries.at(-1) as Place];
  return { ...first, length: last.offset + last.length - first.offset };
}

const changes: Readonly<Record<string, Change>> = {
  flip: (segments, _places, roll) => {
    const bytes = pick([...segments.values()], roll);
    const at = roll(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << roll(8));
  },
  'remove an event': (segments, places, roll) => {
    const event = pick(
      places.filter(({ kind }) => kind === 'event'),
      roll,
    );
    splice(segments, event, event.length, new Uint8Array());
  },
  'remove a seal': (segments, places, roll) => {
    const seal = pick(
      places.filter(({ kind }) => kind === 'seal'),
      roll,
    );
    splice(segments, seal, seal.length, new Uint8Array());
  },
  'remove a batch': (segments, places, roll) => {
    const batch = batchPlace(
      places,
      pick(
        places.filter(({ kind }) => kind === 'seal'),
        roll,
      ).batch,
    );
    splice(segments, batch, batch.length, new Uint8Array());
  },
  'reorder two events': (segments, places, roll) => {
    const first = pick(
      places.filter(({ kind }) => kind === 'event'),
      roll,
    );
    const others = places.filter((place) => place.kind === 'event' && place.segment === first.segment);
    const second = pick(
      others.filter((place) => place !== first),
      roll,
    );
    const [a, b] = first.offset < second.offset ? [first, second] : [second, first];
    const [aBytes, bBytes] = [bytesOf(segments, a), bytesOf(segments, b)];
    splice(segments, b, b.length, aBytes);
    splice(segments, a, a.length, bBytes);
  },
  'reorder two batches': (segments, places, roll) => {
    const all = places.filter(({ kind }) => kind === 'seal');
    const pairs = all.filter(({ segment, batch }) =>
      all.some((next) => next.batch === batch + 1 && next.segment === segment),
    );
    const { batch } = pick(pairs, roll);
    const [a, b] = [batchPlace(places, batch), batchPlace(places, batch + 1)];
    const swapped = Buffer.concat([bytesOf(segments, b), bytesOf(segments, a)]);
    splice(segments, a, swapped.length, swapped);
  },
  'duplicate an event': (segments, places, roll) => {
    const event = pick(
      places.filter(({ kind }) => kind === 'event'),
      roll,
    );
    const where = pick(
      places.filter(({ kind }) => kind !== 'header'),
      roll,
    );
    splice(segments, where, 0, bytesOf(segments, event));
  },
  'duplicate a batch': (segments, places, roll) => {
    const batch = batchPlace(
      places,
      pick(
        places.filter(({ kind }) => kind === 'seal'),
        roll,
      ).batch,
    );
    splice(segments, { ...batch, offset: batch.offset + batch.length }, 0, bytesOf(segments, batch));
  },
  truncate: (segments, _places, roll) => {
    const number = pick([...segments.keys()], roll);
    const bytes = segments.get(number) as Buffer;
    segments.set(number, bytes.subarray(0, roll(bytes.length)));
  },
  'truncate the last segment': (segments) => {
    const number = Math.max(...segments.keys());
    const bytes = segments.get(number) as Buffer;
    segments.set(number, bytes.subarray(0, bytes.length - 1));
  },
  'swap segments': (segments, _places, roll) => {
    const a = pick([...segments.keys()], roll);
    const b = pick(
      [...segments.keys()].filter((number) => number !== a),
      roll,
    );
    const bytes = segments.get(a) as Buffer;
    segments.set(a, segments.get(b) as Buffer);
    segments.set(b, bytes);
  },
  'remove a segment': (segments, _places, roll) => {
    segments.delete(pick([...segments.keys()], roll));
  },
  'append to a segment': (segments, places, roll) => {
    const number = pick([...segments.keys()], roll);
    const event = pick(
      places.filter(({ kind }) => kind === 'event'),
      roll,
    );
    segments.set(number, Buffer.concat([segments.get(number) as Buffer, bytesOf(segments, event)]));
  },
};

const rounds = 1_000;

test('1,000 random manipulations: each is found, and the event at which the chains part is named', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await makeChain(t, folder, key);
  const [places, original] = [placesOf(folder), readSegments(folder)];
  const last = places.at(-1) as Place;
  const roll = dice(20_261);
  const names = Object.keys(changes);
  for (let round = 0; round < rounds; round++) {
    const name = names[round % names.length] as string;
    const segments = new Map([...original].map(([number, bytes]) => [number, Buffer.from(bytes)]));
    changes[name]?.(segments, places, roll);
    const place = firstDifference(places, original, segments) ?? end(last);
    writeSegments(folder, segments);
    const { isIntact, faults } = await verifyChain(folder, [key.publicKey]);
    const where = `${name}, round ${round}, ${JSON.stringify(place)}, ${JSON.stringify(faults[0])}`;
    assert.equal(isIntact, false, where);
    if (place.kind === 'event') assert.equal(faults[0]?.sequence, place.sequence, where);
    else assert.equal(faults[0]?.batch, place.batch, where);
  }
  writeSegments(folder, original);
  assert.equal((await verifyChain(folder, [key.publicKey])).isIntact, true);
});

function end(last: Place): Place {
  return { ...last, kind: 'event', sequence: last.sequence + 1, batch: last.batch + 1 };
}

test('what was done is said: changed, removed, moved, inserted', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await makeChain(t, folder, key, 200);
  const [places, original] = [placesOf(folder), readSegments(folder)];
  const events = places.filter(
    ({ kind, sequence, segment }) => kind === 'event' && segment === 1 && sequence > 3,
  );
  const at = events.findIndex((event, index) => events[index + 2]?.batch === event.batch);
  const [a, b] = [events[at] as Place, events[at + 1] as Place];
  const done: Record<string, (segments: Map<number, Buffer>) => void> = {
    changed: (segments) => {
      const bytes = segments.get(1) as Buffer;
      bytes[a.offset + a.length - 3] = (bytes[a.offset + a.length - 3] as number) ^ 1;
    },
    removed: (segments) => splice(segments, a, a.length, new Uint8Array()),
    moved: (segments) =>
      splice(segments, a, a.length + b.length, Buffer.concat([bytesOf(segments, b), bytesOf(segments, a)])),
    inserted: (segments) => splice(segments, a, 0, bytesOf(segments, b)),
  };
  for (const [kind, change] of Object.entries(done)) {
    const segments = new Map([...original].map(([number, bytes]) => [number, Buffer.from(bytes)]));
    change(segments);
    writeSegments(folder, segments);
    const { faults } = await verifyChain(folder, [key.publicKey]);
    assert.equal(faults[0]?.kind, kind);
    assert.equal(faults[0]?.sequence, a.sequence);
    assert.equal(faults[0]?.offset, a.offset);
    // The rest was found right.
    assert.equal(faults.length, 1, kind);
  }
});

/** Changes the last event of a batch and writes everything behind it in that batch as the host would, but for the key. */
function forge(segments: Map<number, Buffer>, places: readonly Place[], batch: number, signer: Signer): void {
  const entries = places.filter((place) => place.batch === batch && place.kind !== 'header');
  const sealPlace = entries.at(-1) as Place;
  const seal = decodeSeal(bytesOf(segments, sealPlace))?.seal;
  const before = places.filter((place) => place.batch === batch - 1 && place.kind === 'seal').at(-1);
  const header = decodeHeader(
    bytesOf(segments, places.find(({ segment }) => segment === sealPlace.segment) as Place),
  );
  assert.ok(seal !== undefined && header !== undefined && before !== undefined);
  const link =
    before.segment === sealPlace.segment
      ? decodeSeal(bytesOf(segments, before))?.seal.lastLink
      : header.previousLink;
  const hash = new ChainHash(link as Uint8Array);
  const links: Uint8Array[] = [];
  for (const place of entries.slice(0, -1)) {
    const entry = bytesOf(segments, place);
    const from = entry[6] === 0x58 ? 8 : 7;
    if (place === entries.at(-2)) entry[entry.length - 3] = (entry[entry.length - 3] as number) ^ 1;
    const next = hash.add(entry, from, entry.length - from);
    next.copy(entry, 2, 0, 4);
    links.push(next);
  }
  const root = merkleRoot(Buffer.concat(links), links.length);
  const forged = signSeal({ ...seal, root, lastLink: hash.link, publicKey: signer.publicKey }, signer);
  splice(segments, sealPlace, sealPlace.length, encodeSeal(forged));
}

test('a seal forged with another key is found, whether it names that key or the host’s', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await makeChain(t, folder, key, 200);
  const [places, original] = [placesOf(folder), readSegments(folder)];
  const other = keySigner(newKey().privateKey);
  const disguised: Signer = { publicKey: key.publicKey, sign: other.sign };
  for (const batch of [2, 5, 9, 12])
    for (const [signer, kind] of [
      [other, 'key'],
      [disguised, 'signature'],
    ] as const) {
      const segments = new Map([...original].map(([number, bytes]) => [number, Buffer.from(bytes)]));
      forge(segments, places, batch, signer);
      writeSegments(folder, segments);
      const { faults } = await verifyChain(folder, [key.publicKey]);
      assert.equal(faults[0]?.kind, kind);
      assert.equal(faults[0]?.batch, batch);
    }
});

test('the host’s own key cannot write history anew: the head and an anchor kept elsewhere know better', async (t) => {
  const [folder, copy, key] = [temporary(t), temporary(t), newKey()];
  await makeChain(t, folder, key, 100);
  const head = readHead(folder);
  assert.ok(head !== undefined);
  const anchor = parseAnchor(anchorText(head.signed));
  assert.ok(anchor !== undefined);
  assert.equal((await verifyChain(folder, [key.publicKey], { anchor })).isIntact, true);
  // Another chain, by the same key, and longer.
  await makeChain(t, copy, key, 300);
  const rewritten = await verifyChain(copy, [key.publicKey], { anchor });
  assert.equal(rewritten.faults[0]?.kind, 'forked');
  // The same chain, shorter, its head taken along.
  const segments = readSegments(folder);
  segments.delete(Math.max(...segments.keys()));
  cpSync(join(headPath(copy)), headPath(folder));
  writeSegments(folder, segments);
  const shorter = await verifyChain(folder, [key.publicKey], { anchor });
  assert.equal(shorter.isIntact, false);
});

test('without a head and an anchor the verifier says what it cannot tell', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await makeChain(t, folder, key, 50);
  rmSync(headPath(folder));
  const { isIntact, notes } = await verifyChain(folder, [key.publicKey]);
  assert.equal(isIntact, true);
  assert.match(notes.join(), /nothing is missing at the end cannot be told/);
});

test('a stranger’s key finds nothing to trust', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await makeChain(t, folder, key, 50);
  const { faults, events } = await verifyChain(folder, [newKey().publicKey]);
  assert.deepEqual([faults.length, events], [1, 0]);
  assert.equal(faults[0]?.kind, 'key');
  assert.match(
    faults[0]?.detail ?? '',
    /begins under a key that nobody vouched for, ed25519:.*\(\d+ batches, events 1 to 5\d\)/,
  );
  assert.equal(faults[0]?.sequence, 1);
});
