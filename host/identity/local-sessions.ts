import type { Clock, Random } from '../clock.ts';
import { BytesReader } from './bytes.ts';
import { derive } from './host-secret.ts';
import { type Refused, refused } from './refusal.ts';
import { sealedForm, sessionIdBytes } from './sealed-envelope.ts';
import { type Opened, Opener, Sealer } from './session.ts';

export interface LocalSessionsOptions {
  /** 32 bytes made anew when the host starts, and given to its threads: they need no handshake. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Pairs whose keys are held; the longest unused one begins anew. Default 65,536. */
  readonly pairsMax?: number;
}

const pairsMax = 65_536;

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
    const reader = new BytesReader(bytes);
    const form = reader.u8();
    const sessionId = reader.raw(sessionIdBytes);
    if (form !== sealedForm || !reader.isGood) return refused('malformed', 'not a sealed envelope');
    const name = `${Buffer.from(sessionId).toString('latin1')}${from}\0${to}`;
    const known = this.#openers.get(name);
    if (known === undefined) return this.#first(bytes, Uint8Array.from(sessionId), name, from, to);
    const opened = known.opener.open(bytes);
    if (opened.kind === 'opened') this.#keep(name, known.opener, opened.header.sentAtMs);
    return opened;
  }

  #first(bytes: Uint8Array, sessionId: Uint8Array, name: string, from: string, to: string): Opened | Refused {
    const opener = new Opener(this.#direction(sessionId, from, to));
    const opened = opener.open(bytes);
    if (opened.kind === 'refused') return opened;
    const { sentAtMs } = opened.header;
    if (sentAtMs <= this.#letGoMs)
      return refused('stale', 'older than messages of a session that was let go; send it again');
    this.#keep(name, opener, sentAtMs);
    return opened;
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
