import type { Principal } from '../host/serving.ts';
import type { Bucket } from './rate.ts';
import { covers, type Right, type Verb } from './right.ts';

/** What whoever sent a request may do. */
export interface Access {
  readonly principal: Principal;
  /** Its own bucket; undefined where no rate is set. */
  readonly bucket: Bucket | undefined;
  /** `target`: an agent's name or a subject, where the verb has one. */
  may(verb: Verb, target?: string): boolean;
  /** False once the token was revoked or ran out: streams ask again and again. */
  isValid(): boolean;
}

/** Somebody without a token where one is needed. */
export const nobody: Access = {
  principal: { name: 'nobody' },
  bucket: undefined,
  may: () => false,
  isValid: () => true,
};

/** Everybody on loopback, where tokens are off. */
export const local: Access = {
  principal: { name: 'local' },
  bucket: undefined,
  may: () => true,
  isValid: () => true,
};

/** True when one of the rights allows it. `admin` allows everything. */
export function allows(rights: readonly Right[], verb: Verb, target: string | undefined): boolean {
  return rights.some((right) => {
    if (right.verb === 'admin') return true;
    if (right.verb !== verb) return false;
    return right.pattern === undefined || (target !== undefined && covers(right, target));
  });
}
