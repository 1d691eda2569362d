import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type Access, allows } from './access.ts';
import type { TokenCheck } from './gate.ts';
import { Bucket, type Rate } from './rate.ts';
import { parseRight } from './right.ts';
import { readTokens, type TokenRecord, tokenFileStamp } from './token-file.ts';
import { tokenHash } from './tokens.ts';

/** How old a look at the file may be: the time until a revoked token is refused. */
const lookMs = 1000;

/** How often tokens that are not known may have the file looked at before its time. */
const earlyLooks: Rate = { perSecond: 100, burst: 100 };

export interface TokenStoreOptions {
  readonly stateFolder: string;
  readonly clock: Clock;
  /** Tokens are asked for even when there is none. */
  readonly isRequired: boolean;
  readonly rate: Rate | undefined;
  /** The file became unreadable or unsafe while serving: no token holds until it is good again. */
  readonly onFault: (error: unknown) => void;
  /** Told of tokens that came or went since the store was opened. */
  readonly onChange?: ((change: TokenChange) => void) | undefined;
}

export interface TokenChange {
  readonly created: readonly TokenRecord[];
  readonly revoked: readonly TokenRecord[];
}

interface Known {
  readonly hash: string;
  readonly access: Access;
}

/** Those of `all` that are not among `some`. */
function lacking(some: readonly TokenRecord[], all: readonly TokenRecord[]): readonly TokenRecord[] {
  const hashes = new Set(some.map(({ hash }) => hash));
  return all.filter(({ hash }) => !hashes.has(hash));
}

const keyChars = 16;

function keyOf(hash: string): string {
  return hash.slice(0, keyChars);
}

/** The tokens of a state folder, as of at most a second ago; a token that is not known is looked for anew. */
export class TokenStore implements TokenCheck {
  readonly #options: TokenStoreOptions;
  readonly #buckets = new Map<string, Bucket>();
  /** By the beginning of the hash, so that one look finds the one to compare with. */
  #tokens: ReadonlyMap<string, Known> = new Map();
  /** As they were last read. */
  #records: readonly TokenRecord[] | undefined;
  #stamp: string | undefined;
  #lookedMs: number;
  readonly #earlyLooks: Bucket;
  #generation = 0;
  #isRequired: boolean;

  /** @throws HostError `HOST_ERR_TOKEN_INVALID` for a file that is unsafe or damaged */
  constructor(options: TokenStoreOptions) {
    this.#options = options;
    this.#isRequired = options.isRequired;
    this.#lookedMs = options.clock.monotonicMs();
    this.#earlyLooks = new Bucket(earlyLooks, this.#lookedMs);
    this.#stamp = tokenFileStamp(options.stateFolder);
    this.#load();
  }

  /** Once there was a token they are asked for until the host ends: revoking the last one opens nothing. */
  isRequired(nowMs: number): boolean {
    this.#look(nowMs);
    return this.#isRequired;
  }

  /** True when no token would be taken now. */
  get isEmpty(): boolean {
    return this.#tokens.size === 0;
  }

  generation(nowMs: number): number {
    this.#look(nowMs);
    return this.#generation;
  }

  /** Looks at the file now: a change that is not told before the end is never told. */
  refresh(): void {
    this.#lookNow(this.#options.clock.monotonicMs());
  }

  /** A token that was made a moment ago is good at once: one that is not known has the file looked at. */
  access(token: string, nowMs: number): Access | undefined {
    this.#look(nowMs);
    const hash = tokenHash(token);
    if (!this.#tokens.has(keyOf(hash)) && this.#earlyLooks.take(nowMs) === 0) this.#lookNow(nowMs);
    const found = this.#tokens.get(keyOf(hash));
    if (found === undefined || !timingSafeEqual(Buffer.from(found.hash), Buffer.from(hash))) return undefined;
    return found.access.isValid() ? found.access : undefined;
  }

  #look(nowMs: number): void {
    if (nowMs - this.#lookedMs >= lookMs) this.#lookNow(nowMs);
  }

  #lookNow(nowMs: number): void {
    this.#lookedMs = nowMs;
    const { stateFolder, onFault } = this.#options;
    try {
      const stamp = tokenFileStamp(stateFolder);
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      this.#load();
    } catch (error) {
      this.#tokens = new Map();
      this.#generation += 1;
      this.#isRequired = true;
      onFault(error);
    }
  }

  #load(): void {
    const records = readTokens(this.#options.stateFolder);
    this.#tellChange(records);
    const generation = this.#generation + 1;
    this.#tokens = new Map(records.map((record) => [keyOf(record.hash), this.#knownOf(record)]));
    this.#generation = generation;
    this.#isRequired ||= records.length > 0;
    const hashes = new Set(records.map(({ hash }) => hash));
    for (const hash of this.#buckets.keys()) if (!hashes.has(hash)) this.#buckets.delete(hash);
  }

  #tellChange(records: readonly TokenRecord[]): void {
    const before = this.#records;
    this.#records = records;
    const { onChange } = this.#options;
    if (before === undefined || onChange === undefined) return;
    onChange({ created: lacking(before, records), revoked: lacking(records, before) });
  }

  #knownOf({ name, hash, may, expires }: TokenRecord): Known {
    const { clock } = this.#options;
    const rights = may.map(parseRight);
    const expiresAtNs = expires === undefined ? undefined : BigInt(Date.parse(expires)) * 1_000_000n;
    const access: Access = {
      principal: { name },
      bucket: this.#bucketOf(hash),
      may: (verb, target) => allows(rights, verb, target),
      isValid: () => {
        this.#look(clock.monotonicMs());
        if (this.#tokens.get(keyOf(hash))?.hash !== hash) return false;
        return expiresAtNs === undefined || clock.wallNs() < expiresAtNs;
      },
    };
    return { hash, access };
  }

  #bucketOf(hash: string): Bucket | undefined {
    const { rate, clock } = this.#options;
    if (rate === undefined) return undefined;
    const known = this.#buckets.get(hash);
    if (known !== undefined) return known;
    const bucket = new Bucket(rate, clock.monotonicMs());
    this.#buckets.set(hash, bucket);
    return bucket;
  }
}
