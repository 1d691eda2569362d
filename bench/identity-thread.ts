import { parentPort, workerData } from 'node:worker_threads';
import { RingReader } from '../host/bus/ring.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { HostSecret } from '../host/identity/host-secret.ts';
import { LocalSessions } from '../host/identity/local-sessions.ts';
import { decodeSigned } from '../host/identity/message-signature.ts';
import type { IdentityRole } from './identity-messages.ts';
import { messagePayload, signedBothWays } from './identity-messages.ts';
import { pause } from './ring-frames.ts';

/** The other thread of `identity.ts`: it opens or verifies what comes out of the ring, or works on its own. */
const role = workerData as IdentityRole;

/** How many messages came out of what came in. */
function opener(): (bytes: Uint8Array) => number {
  const { secret, kind } = role;
  if (kind === 'signed') return (bytes) => (decodeSigned(bytes).kind === 'message' ? 1 : 0);
  const sessions = new LocalSessions({ secret, clock: systemClock, random: systemRandom });
  if (kind === 'framed')
    return (bytes) => {
      const opened = sessions.openFrame(bytes, 'alpha/billing', 'alpha/audit');
      if (opened.kind === 'refused') return 0;
      return opened.messages.every((one) => one.kind === 'opened') ? opened.messages.length : 0;
    };
  return (bytes) => {
    const opened = sessions.open(bytes, 'alpha/billing', 'alpha/audit');
    return opened.kind === 'opened' && opened.payload.length === messagePayload.length ? 1 : 0;
  };
}

function readAll(messages: number): void {
  const open = opener();
  const reader = new RingReader(role.ring);
  const memory = reader.memory;
  let [read, waits] = [0, 0];
  while (read < messages) {
    let batch = 0;
    for (; batch < 64 && reader.next(); batch++) {
      const found = open(memory.slice(reader.at, reader.at + reader.bytes));
      if (found === 0) throw new Error('a message did not open');
      read += found;
    }
    waits = batch > 0 ? 0 : waits + 1;
    if (batch > 0) reader.release();
    else pause(waits);
  }
}

parentPort?.on('message', (messages: number) => {
  if (role.kind === 'both-ways') signedBothWays(new HostSecret(role.secret), messages);
  else readAll(messages);
  parentPort?.postMessage(messages);
});
parentPort?.postMessage(0);
