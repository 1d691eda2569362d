import { createHash } from 'node:crypto';

/** SHA-256, lower-case hex: what a component is known by. */
export function digestOf(component: Uint8Array): string {
  return createHash('sha256').update(component).digest('hex');
}
