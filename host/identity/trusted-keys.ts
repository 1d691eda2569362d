import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import { type Verify, verifySignature } from './curves.ts';
import {
  isWithin,
  type KeyRevocation,
  parseIntroduction,
  parseRevocations,
  parseRotation,
  type RevocationReason,
  soundKeyText,
} from './key-statement.ts';
import { keyText } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import { readSigned, type TextStore, writeSigned } from './signed-text.ts';
import type { Signer } from './signing-key.ts';

const pinsMax = 65_536;
const formerMax = 64;
const revokedMax = 65_536;

/** Where pins are kept, and how a first key is taken. */
export interface TrustedKeysOptions {
  readonly store: TextStore;
  readonly clock: Clock;
  /** `secret.fileKey()`: what is kept is signed, and what this host did not sign is not believed. */
  readonly signer: Signer;
  /** Whether the first key a party shows is taken as its own; false: only keys pinned by hand or introduced. */
  readonly pinsFirst: boolean;
  /** Another one where there is no Node. */
  readonly verify?: Verify;
}

interface Former {
  readonly key: string;
  readonly untilMs: number;
}

/** The key of one party: a host, its agent (`alpha/billing`), or who publishes components. */
export interface Pin {
  readonly key: string;
  readonly generation: number;
  readonly pinnedAtMs: number;
  /** `first`: seen and believed; `hand`: an operator's; else the statement it came by. */
  readonly by: 'first' | 'hand' | 'introduction' | 'rotation';
  /** Those before it: what they signed until then still counts. */
  readonly former: readonly Former[];
}

/** A key is whose it says it is. */
export interface Trusted {
  readonly kind: 'trusted';
  /** The key was pinned just now, because it was the first. */
  readonly isFirst: boolean;
}

interface Revoked {
  readonly fromMs: number;
  readonly reason: RevocationReason;
}

interface Content {
  readonly pins: Readonly<Record<string, Pin>>;
  readonly revoked: Readonly<Record<string, Revoked>>;
  readonly versions: Readonly<Record<string, number>>;
}

/**
 * Whose key is whose, as far as this host knows, without asking anybody: pinned on first use, followed through signed
 * rotations, dropped by signed revocations. A party that suddenly has another key is refused until an operator pins it.
 */
export class TrustedKeys {
  readonly #options: TrustedKeysOptions;
  readonly #verify: Verify;
  readonly #pins: Map<string, Pin>;
  /** By key. */
  readonly #revoked: Map<string, Revoked>;
  /** The newest list of revocations, by party. */
  readonly #versions: Map<string, number>;
  #changes = 0;

  /** @throws HostError `HOST_ERR_IDENTITY_CORRUPT` when what is stored was not signed by this host */
  constructor(options: TrustedKeysOptions) {
    this.#options = options;
    this.#verify = options.verify ?? verifySignature;
    const content = load(options);
    this.#pins = new Map(Object.entries(content.pins));
    this.#revoked = new Map(Object.entries(content.revoked));
    this.#versions = new Map(Object.entries(content.versions));
  }

  /** Counts every change: who has looked at a key since need not look again. */
  get changes(): number {
    return this.#changes;
  }

  pin(party: string): Pin | undefined {
    return this.#pins.get(party);
  }

  /** Keys that count for nothing any more, or from a time on. */
  get revokedKeys(): readonly { readonly key: string; readonly reason: RevocationReason }[] {
    return Array.from(this.#revoked, ([key, { reason }]) => ({ key, reason }));
  }

  get parties(): readonly string[] {
    return [...this.#pins.keys()];
  }

  /**
   * Whether a key is the party's, for something it signed at a time. Writes only when it pins.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE` when a first key cannot be kept: it is then not trusted either
   */
  check(party: string, key: Uint8Array, signedAtMs: number): Trusted | Refused {
    const text = soundKeyText(key);
    if (text === undefined) return refused('malformed', `${party} shows a key nobody can own`);
    const revocation = this.#revocationOf(text, signedAtMs);
    if (revocation !== undefined)
      return refused('key-revoked', `the key ${text} of ${party} is revoked: ${revocation.reason}`);
    const pin = this.#pins.get(party);
    if (pin === undefined) return this.#first(party, text);
    if (pin.key === text) return { kind: 'trusted', isFirst: false };
    const former = pin.former.find((one) => one.key === text);
    if (former === undefined)
      return refused('key-substituted', `${party} has the key ${pin.key}, and this is ${text}`);
    if (signedAtMs < former.untilMs) return { kind: 'trusted', isFirst: false };
    return refused('key-revoked', `${party} gave up the key ${text}`);
  }

  /** An operator's word: the party has this key, whatever it had before. */
  pinByHand(party: string, key: Uint8Array): void {
    const text = soundKeyText(key);
    if (text === undefined)
      throw new HostError('HOST_ERR_IDENTITY_UNTRUSTED', `${keyText(key)} is a key nobody can own`);
    this.#set(party, { key: text, generation: 1, pinnedAtMs: this.#nowMs(), by: 'hand', former: [] });
  }

  /** An operator's word: the next key the party shows is its first. */
  forget(party: string): void {
    this.#change(() => this.#pins.delete(party));
  }

  /** An operator's word: a key counts for nothing any more, whoever has it. */
  revokeByHand(key: Uint8Array, reason: RevocationReason): void {
    this.#change(() => this.#addRevocation(keyText(key), { fromMs: this.#nowMs(), reason }));
  }

  /** Takes a host's word for a key of its own agent. The host's key must be pinned. */
  introduce(bytes: Uint8Array): Trusted | Refused {
    const statement = parseIntroduction(bytes, this.#verify);
    if (statement.kind === 'refused') return statement;
    const { content, by } = statement;
    const host = content.party.split('/', 1)[0] ?? content.party;
    const verdict = this.check(host, by[0], content.atMs);
    if (verdict.kind === 'refused') return verdict;
    const pin = this.#pins.get(content.party);
    if (pin !== undefined) return this.check(content.party, content.key, content.atMs);
    const text = soundKeyText(content.key);
    if (text === undefined) return refused('malformed', `${content.party} shows a key nobody can own`);
    if (this.#revoked.has(text)) return refused('key-revoked', `the key ${text} is revoked`);
    const { generation } = content;
    this.#set(content.party, {
      key: text,
      generation,
      pinnedAtMs: this.#nowMs(),
      by: 'introduction',
      former: [],
    });
    return { kind: 'trusted', isFirst: true };
  }

  /** Goes over to a party's next key, when its pinned one signed that. The same rotation again changes nothing. */
  follow(bytes: Uint8Array): Trusted | Refused {
    const statement = parseRotation(bytes, this.#verify);
    if (statement.kind === 'refused') return statement;
    const { party, oldKey, newKey, generation, atMs } = statement.content;
    const pin = this.#pins.get(party);
    if (pin === undefined) return refused('key-unknown', `no key of ${party} is pinned`);
    const [oldText, newText] = [soundKeyText(oldKey), soundKeyText(newKey)];
    if (oldText === undefined || newText === undefined)
      return refused('malformed', `${party} shows a key nobody can own`);
    if (pin.key === newText) return { kind: 'trusted', isFirst: false };
    if (pin.key !== oldText)
      return refused('key-substituted', `${party} has the key ${pin.key}, and ${oldText} was to be replaced`);
    if (this.#revocationOf(oldText, atMs) !== undefined || this.#revoked.has(newText))
      return refused('key-revoked', `a key in the rotation of ${party} is revoked`);
    if (generation <= pin.generation)
      return refused('stale', `${party} is at generation ${pin.generation} already`);
    const former = [...pin.former, { key: pin.key, untilMs: atMs }].slice(-formerMax);
    this.#set(party, { key: newText, generation, pinnedAtMs: this.#nowMs(), by: 'rotation', former });
    return { kind: 'trusted', isFirst: false };
  }

  /** Takes a party's list of revoked keys. An older list than one taken before is refused. */
  revoke(bytes: Uint8Array): Trusted | Refused {
    const statement = parseRevocations(bytes, this.#verify);
    if (statement.kind === 'refused') return statement;
    const { content, by } = statement;
    if (!this.#pins.has(content.party)) return refused('key-unknown', `no key of ${content.party} is pinned`);
    const verdict = this.check(content.party, by[0], content.atMs);
    if (verdict.kind === 'refused') return verdict;
    if (content.version < (this.#versions.get(content.party) ?? 0))
      return refused('stale', `an older list of ${content.party} than one seen before`);
    this.#change(() => {
      for (const entry of content.revoked) this.#revokeOwn(entry);
      this.#versions.set(content.party, content.version);
    });
    return { kind: 'trusted', isFirst: false };
  }

  /** A party speaks for its own keys: one that is pinned to somebody else stays. */
  #revokeOwn(entry: KeyRevocation): void {
    const owner = this.#ownerOf(entry.key);
    if (owner === undefined || isWithin(entry.party, owner))
      this.#addRevocation(entry.key, { fromMs: entry.fromMs, reason: entry.reason });
  }

  #ownerOf(key: string): string | undefined {
    for (const [party, pin] of this.#pins)
      if (pin.key === key || pin.former.some((one) => one.key === key)) return party;
    return undefined;
  }

  #addRevocation(key: string, revocation: Revoked): void {
    const known = this.#revoked.get(key);
    // Never taken back: the earliest time and the strictest reason stay.
    const reason = known?.reason === 'compromised' ? 'compromised' : revocation.reason;
    const fromMs = Math.min(known?.fromMs ?? revocation.fromMs, revocation.fromMs);
    if (known === undefined && this.#revoked.size >= revokedMax) throw full('revoked keys', revokedMax);
    this.#revoked.set(key, { fromMs, reason });
  }

  #revocationOf(key: string, signedAtMs: number): Revoked | undefined {
    const found = this.#revoked.get(key);
    const counts = found !== undefined && (found.reason === 'compromised' || signedAtMs >= found.fromMs);
    return counts ? found : undefined;
  }

  #first(party: string, key: string): Trusted | Refused {
    if (!this.#options.pinsFirst)
      return refused('key-unknown', `no key of ${party} is pinned; it shows ${key}`);
    this.#set(party, { key, generation: 1, pinnedAtMs: this.#nowMs(), by: 'first', former: [] });
    return { kind: 'trusted', isFirst: true };
  }

  #set(party: string, pin: Pin): void {
    if (!this.#pins.has(party) && this.#pins.size >= pinsMax) throw full('pinned keys', pinsMax);
    this.#change(() => this.#pins.set(party, pin));
  }

  /** Changes what is known, or, when that cannot be kept, nothing. */
  #change(step: () => void): void {
    const before = this.#text();
    try {
      step();
      writeSigned(this.#options.store, 'trusted-keys', this.#text(), this.#options.signer);
      this.#changes += 1;
    } catch (error) {
      this.#restore(JSON.parse(before) as Content);
      throw error;
    }
  }

  #text(): string {
    const content: Content = {
      pins: Object.fromEntries(this.#pins),
      revoked: Object.fromEntries(this.#revoked),
      versions: Object.fromEntries(this.#versions),
    };
    return JSON.stringify(content);
  }

  #restore(content: Content): void {
    refill(this.#pins, content.pins);
    refill(this.#revoked, content.revoked);
    refill(this.#versions, content.versions);
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }
}

function refill<Value>(map: Map<string, Value>, entries: Readonly<Record<string, Value>>): void {
  map.clear();
  for (const [name, value] of Object.entries(entries)) map.set(name, value);
}

function load(options: TrustedKeysOptions): Content {
  const text = readSigned(options.store, 'trusted-keys', options.signer);
  // Signed by this host: the content is as it wrote it.
  return text === undefined ? { pins: {}, revoked: {}, versions: {} } : (JSON.parse(text) as Content);
}

function full(what: string, max: number): HostError {
  return new HostError(
    'HOST_ERR_BUDGET_EXHAUSTED',
    `more than ${max} ${what}; forget parties no longer known`,
  );
}
