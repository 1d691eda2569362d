import type { Delivery } from '../bus/delivery.ts';
import type { Payload } from '../bus/message.ts';

/** As the WIT enum `probe` has it (wit/health.wit). */
export type Probe = 'liveness' | 'readiness';

/** What the host sends to ask an agent how it is; one that has a function for it never sees this. */
export const questions: { readonly [probe in Probe]: Payload } = {
  liveness: { contentType: 'text/plain', headers: [], body: Buffer.from('liveness') },
  readiness: { contentType: 'text/plain', headers: [], body: Buffer.from('readiness') },
};

/** What the host asks by one of these. */
export function probeIn({ message }: Delivery): Probe {
  return message.body.length === questions.liveness.body.length ? 'liveness' : 'readiness';
}
