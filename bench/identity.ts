import { Worker } from 'node:worker_threads';
import { createRing, RingWriter } from '../host/bus/ring.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { BatchSigner } from '../host/identity/batch-signer.ts';
import { BatchVerifier } from '../host/identity/batch-verifier.ts';
import { HostSecret } from '../host/identity/host-secret.ts';
import { LocalSessions } from '../host/identity/local-sessions.ts';
import { type MessageProof, verifyProof } from '../host/identity/message-proof.ts';
import { decodeSigned, encodeSigned, signMessage } from '../host/identity/message-signature.ts';
import type { FrameMessage } from '../host/identity/sealed-frame.ts';
import { Opener, Sealer } from '../host/identity/session.ts';
import { StoreSeal } from '../host/identity/store-seal.ts';
import {
  frameMessages,
  type IdentityRole,
  messageHeader,
  messagePayload,
  signedBothWays,
} from './identity-messages.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { pause } from './ring-frames.ts';
import { alternate, median } from './samples.ts';

const secretBytes = new Uint8Array(32).fill(9);
const secret = new HostSecret(secretBytes);
const batchMax = 256;

/** Something done `count` times a run. */
interface Work {
  readonly name: string;
  readonly count: number;
  run(): unknown;
  close?(): Promise<unknown>;
}

function sealWork(count: number): Work[] {
  const direction = () => ({
    sessionId: new Uint8Array(16).fill(1),
    secret: new Uint8Array(32).fill(2),
    from: 'alpha/billing',
    to: 'alpha/audit',
    clock: systemClock,
  });
  const sealer = new Sealer(direction());
  const opener = new Opener(direction());
  const sealed: Uint8Array[] = [];
  const seal = (): void => {
    sealed.length = 0;
    for (let at = 0; at < count; at++) sealed.push(sealer.seal(messageHeader(at), messagePayload));
  };
  const open = (): void => {
    for (const bytes of sealed)
      if (opener.open(bytes).kind !== 'opened') throw new Error('a message did not open');
    sealed.length = 0;
  };
  return [
    { name: sealName, count, run: seal },
    { name: openName, count, run: open },
  ];
}

function blockWork(count: number): Work {
  const writer = new StoreSeal({ secret, random: systemRandom, store: 'bench' }).writer('1');
  const block = new Uint8Array(4096);
  return {
    name: blockName,
    count,
    run: () => {
      for (let at = 0; at < count; at++) writer.seal(at * 4096, block);
    },
  };
}

function signWork(count: number): Work[] {
  const signer = secret.signingKey('agent/billing', 1);
  const header = messageHeader(1);
  const signed = encodeSigned(header, messagePayload, signer);
  return [
    {
      name: signName,
      count,
      run: () => {
        for (let at = 0; at < count; at++) signMessage(header, messagePayload, signer);
      },
    },
    {
      name: verifyName,
      count,
      run: () => {
        for (let at = 0; at < count; at++)
          if (decodeSigned(signed).kind !== 'message') throw new Error('a signature does not fit');
      },
    },
  ];
}

function merkleWork(count: number): Work[] {
  const signer = secret.signingKey('agent/billing', 1);
  const headers = Array.from({ length: count }, (_, at) => messageHeader(at + 1));
  const proofs: MessageProof[] = [];
  const keep = (proof: MessageProof): void => {
    proofs.push(proof);
  };
  const sign = (): void => {
    proofs.length = 0;
    const batch = new BatchSigner({ signer, clock: systemClock, batchMax });
    for (const header of headers) batch.add(header, messagePayload, keep);
    batch.flush();
  };
  const verify = (): void => {
    const verifier = new BatchVerifier();
    for (let at = 0; at < count; at++) check(verifier, at);
  };
  const check = (verifier: BatchVerifier, at: number): void => {
    const [header, proof] = [headers[at], proofs[at]];
    if (header === undefined || proof === undefined) throw new Error('bug: no proof');
    if (verifier.verify(header, messagePayload, proof).kind !== 'proven') throw new Error('no proof');
  };
  const [header] = headers;
  const alone = (): void => {
    const [proof] = proofs;
    if (header === undefined || proof === undefined) throw new Error('bug: no proof');
    for (let at = 0; at < count / 64; at++)
      if (verifyProof(header, messagePayload, proof).kind !== 'proven') throw new Error('no proof');
  };
  return [
    { name: merkleName, count, run: sign },
    { name: merkleVerifyName, count, run: verify },
    { name: aloneName, count: count / 64, run: alone },
  ];
}

/** From one thread to another: made here, into a ring, out of it, checked there. */
async function threadWork(kind: IdentityRole['kind'], count: number): Promise<Work> {
  const ring = createRing();
  const role: IdentityRole = { kind, ring, secret: secretBytes };
  const worker = new Worker(new URL('./identity-thread.ts', import.meta.url), { workerData: role });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const said = (): Promise<unknown> =>
    Promise.race([failed, new Promise((resolve) => worker.once('message', resolve))]);
  await said();
  const writer = new RingWriter(ring);
  const make = maker(kind);
  const run = async (): Promise<void> => {
    worker.postMessage(count);
    const done = said();
    if (kind === 'both-ways') signedBothWays(secret, count);
    else if (kind === 'framed') for (let at = 0; at < count; at += frameMessages) write(writer, make(at));
    else for (let at = 1; at <= count; at++) write(writer, make(at));
    writer.publish();
    await done;
  };
  const messages = kind === 'both-ways' ? 2 * count : count;
  return { name: threadNames[kind], count: messages, run, close: () => worker.terminate() };
}

function maker(kind: IdentityRole['kind']): (sequence: number) => Uint8Array {
  const signer = secret.signingKey('agent/billing', 1);
  if (kind === 'signed') return (sequence) => encodeSigned(messageHeader(sequence), messagePayload, signer);
  const sessions = new LocalSessions({ secret: secretBytes, clock: systemClock, random: systemRandom });
  if (kind === 'framed')
    return (sequence) => {
      const messages: FrameMessage[] = [];
      for (let at = 0; at < frameMessages; at++)
        messages.push({ header: messageHeader(sequence + at), payload: messagePayload });
      return sessions.sealer('alpha/billing', 'alpha/audit').sealFrame(messages);
    };
  return (sequence) =>
    sessions.sealer('alpha/billing', 'alpha/audit').seal(messageHeader(sequence), messagePayload);
}

function write(writer: RingWriter, bytes: Uint8Array): void {
  let at = writer.reserve(bytes.length);
  for (let waits = 0; at === -1; waits++) {
    writer.publish();
    pause(waits);
    at = writer.reserve(bytes.length);
  }
  writer.memory.set(bytes, at);
  writer.commit(bytes.length, 0);
  if (writer.recordsUnpublished >= 64) writer.publish();
}

const sealName = 'seal, AES-256-GCM, header and all';
const openName = 'open, with the replay window';
const blockName = 'seal a block of 4 KiB for the disk';
const signName = 'sign each, Ed25519';
const verifyName = 'verify each';
const merkleName = 'sign in batches of 256, a proof each';
const merkleVerifyName = 'verify those proofs as they come';
const aloneName = 'verify one proof alone';
const threadNames: Readonly<Record<IdentityRole['kind'], string>> = {
  sealed: 'thread to thread, each sealed and opened',
  framed: `thread to thread, ${frameMessages} under one seal`,
  signed: 'thread to thread, each signed and verified',
  'both-ways': 'two threads, each signing and verifying',
};

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 8_192 : 32_768;
  const few = count / 16;
  const works: Work[] = [
    ...sealWork(few),
    blockWork(count / 4),
    ...signWork(few),
    ...merkleWork(count),
    await threadWork('sealed', count * 2),
    await threadWork('framed', count * 2),
    await threadWork('signed', few),
    await threadWork('both-ways', few),
  ];
  // Those that use what another made come after it in every round.
  const groups = [works.slice(0, 2), ...works.slice(2, 5).map((work) => [work]), works.slice(5, 8)];
  const inOrder = [...groups, ...works.slice(8).map((work) => [work])];
  const samples = new Map<string, number[]>();
  const contenders = inOrder.map((group) => ({
    name: group[0]?.name ?? '',
    run: () => measureInOrder(group, samples),
  }));
  await alternate(contenders, 1);
  samples.clear();
  await alternate(contenders, quick ? 3 : 9);
  for (const work of works) await work.close?.();
  return report(works, samples);
}

async function measureInOrder(group: readonly Work[], samples: Map<string, number[]>): Promise<void> {
  for (const work of group) {
    const fromMs = performance.now();
    const pending = work.run();
    if (pending instanceof Promise) await pending;
    const us = ((performance.now() - fromMs) * 1000) / work.count;
    samples.set(work.name, [...(samples.get(work.name) ?? []), us]);
  }
}

function report(works: readonly Work[], samples: ReadonlyMap<string, readonly number[]>): Report {
  const us = (name: string): number => median(samples.get(name) ?? []);
  const rate = (name: string): number => 1e6 / us(name);
  return {
    question: bench.question,
    columns: ['messages of 1 KiB', 'µs each', 'a second'],
    rows: works.map(({ name }) => [name, round(us(name)), round(rate(name))]),
    marks: [
      atMost('sealing a message', us(sealName), 20, 'µs'),
      atLeast('sealed, thread to thread', rate(threadNames.sealed), 100_000, '/s'),
      atLeast('sealed in frames, thread to thread', rate(threadNames.framed), 100_000, '/s'),
      atLeast('signed each', rate(signName), 15_000, '/s'),
      atLeast('signed in batches', rate(merkleName), 100_000, '/s'),
    ],
    remarks: [
      'each message has a header of 170 bytes, written and authenticated; what is sealed is opened and counted',
      'verifying costs three times what signing does: two threads that both sign and verify share that',
    ],
  };
}

export const bench: Bench = {
  name: 'identity',
  question: 'What does it cost to seal, to sign and to verify a message?',
  run,
};
