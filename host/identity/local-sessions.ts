import type { Clock, Random } from '../clock.ts';
import { derive } from './host-secret.ts';
import { type Refused, refused } from './refusal.ts';
import { sealedForm, sessionIdBytes } from './sealed-envelope.ts';
import { frameForm } from './sealed-frame.ts';
import { type Opened, type OpenedFrame, Opener, Sealer } from './session.ts';

export interface LocalSessionsOptions {
  /** 32 bytes made anew when the host starts, and given to its threads: they need no handshake. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Pairs whose keys are held; the longest unused one begins anew. Default 65,536. */
  readonly pairsMax?: number;
}

const pairsMax = 65_536;

/** A session by what an envelope says. */
interface Found {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly sessionId: Uint8Array;
  readonly opener: Opener;
  readonly isHeld: boolean;
}

interface Held {
  readonly opener: Opener;
  newestMs: number;
}

/**
 * Sealed messages among the agents of one host. Each sender's thread begins a session to each receiver with an id of
 * its own, from which, with the host's secret of this run, both derive the same keys: a thread that is lost and
 * replaced begins other sessions, so no key ever sees a nonce again.
 */
export class LocalSessions {
  readonly #options: LocalSessionsOptions;
  readonly #pairsMax: number;
  readonly #sealers = new Map<string, Sealer>();
  #lastSealer: { readonly from: string; readonly to: string; readonly sealer: Sealer } | undefined;
  /** The longest unused one first. */
  readonly #openers = new Map<string, Held>();
  /** The one used last: it is where it belongs in the order. */
  #lastHeld: Held | undefined;
  /** The same, by what its envelopes say. */
  #last: Found | undefined;
  /** When the newest message of a session that was let go was sent: nothing older begins one, it may be a replay. */
  #letGoMs = 0;

  constructor(options: LocalSessionsOptions) {
    this.#options = options;
    this.#pairsMax = options.pairsMax ?? pairsMax;
  }

  /** What this thread seals messages of `from` to `to` with. */
  sealer(from: string, to: string): Sealer {
    const last = this.#lastSealer;
    if (last !== undefined && last.from === from && last.to === to) return last.sealer;
    const pair = `${from}\0${to}`;
    const sealer = this.#sealers.get(pair) ?? this.#beginSealer(pair, from, to);
    this.#lastSealer = { from, to, sealer };
    return sealer;
  }

  #beginSealer(pair: string, from: string, to: string): Sealer {
    const sessionId = this.#options.random.fill(new Uint8Array(sessionIdBytes));
    const sealer = new Sealer(this.#direction(sessionId, from, to));
    for (const oldest of this.#sealers.keys()) {
      if (this.#sealers.size < this.#pairsMax) break;
      this.#sealers.delete(oldest);
    }
    this.#sealers.set(pair, sealer);
    return sealer;
  }

  /** Opens a message that is said to be of `from` to `to`, both known from elsewhere than the envelope. */
  open(bytes: Uint8Array, from: string, to: string): Opened | Refused {
    const found = this.#find(bytes, sealedForm, from, to);
    if ('why' in found) return found;
    const opened = found.opener.open(bytes);
    if (opened.kind === 'refused') return opened;
    return this.#admit(found, opened.header.sentAtMs) ?? opened;
  }

  /** Opens messages that were sealed together (`Sealer.sealFrame`). */
  openFrame(bytes: Uint8Array, from: string, to: string): OpenedFrame | Refused {
    const found = this.#find(bytes, frameForm, from, to);
    if ('why' in found) return found;
    const opened = found.opener.openFrame(bytes);
    if (opened.kind === 'refused') return opened;
    const sentAtMs = opened.messages.reduce(
      (newest, one) => (one.kind === 'opened' ? Math.max(newest, one.header.sentAtMs) : newest),
      0,
    );
    // Where nothing was in time, nothing begins.
    if (sentAtMs === 0) return opened;
    return this.#admit(found, sentAtMs) ?? opened;
  }

  /** The session that bytes say they are of: one that is held, or one of nobody yet. */
  #find(bytes: Uint8Array, form: number, from: string, to: string): Found | Refused {
    if (bytes[0] !== form || bytes.length <= sessionIdBytes)
      return refused('malformed', 'not a sealed envelope');
    const last = this.#last;
    if (last?.from === from && last.to === to && isOf(bytes, last.sessionId)) return last;
    const sessionId = Uint8Array.prototype.slice.call(bytes, 1, 1 + sessionIdBytes);
    const name = `${Buffer.from(sessionId).toString('latin1')}${from}\0${to}`;
    const held = this.#openers.get(name);
    const opener = held?.opener ?? new Opener(this.#direction(sessionId, from, to));
    return { name, from, to, sessionId, opener, isHeld: held !== undefined };
  }

  /** Something authentic of a session was opened; refused when a session that was let go may have had it. */
  #admit(found: Found, sentAtMs: number): Refused | undefined {
    if (!found.isHeld && sentAtMs <= this.#letGoMs)
      return refused('stale', 'older than messages of a session that was let go; send it again');
    this.#keep(found.name, found.opener, sentAtMs);
    if (found !== this.#last) this.#last = { ...found, isHeld: true };
    return undefined;
  }

  #keep(name: string, opener: Opener, sentAtMs: number): void {
    const held = this.#openers.get(name);
    const newestMs = Math.max(held?.newestMs ?? 0, sentAtMs);
    if (held !== undefined && held === this.#lastHeld) {
      held.newestMs = newestMs;
      return;
    }
    this.#openers.delete(name);
    for (const [oldest, other] of this.#openers) {
      if (this.#openers.size < this.#pairsMax) break;
      this.#openers.delete(oldest);
      this.#letGoMs = Math.max(this.#letGoMs, other.newestMs);
    }
    this.#lastHeld = { opener, newestMs };
    this.#openers.set(name, this.#lastHeld);
  }

  #direction(sessionId: Uint8Array, from: string, to: string): ConstructorParameters<typeof Sealer>[0] {
    const { secret, clock } = this.#options;
    return {
      sessionId,
      secret: derive(secret, sessionId, `motehost/local/${from}\0${to}`),
      from,
      to,
      clock,
    };
  }
}

function isOf(bytes: Uint8Array, sessionId: Uint8Array): boolean {
  for (let at = 0; at < sessionIdBytes; at++) if (bytes[1 + at] !== sessionId[at]) return false;
  return true;
}
