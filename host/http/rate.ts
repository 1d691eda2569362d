/** So many requests a second, and so many at once after a pause. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** One token bucket. */
export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** Takes one token: 0, or the milliseconds until there is one. */
  take(nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens < 1) return ((1 - this.#tokens) * 1000) / this.#rate.perSecond;
    this.#tokens -= 1;
    return 0;
  }

  /** True when it tells nothing that a new one would not. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.#rate.burst;
  }

  #refill(nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    if (passedMs <= 0) return;
    this.#atMs = nowMs;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (passedMs * this.#rate.perSecond) / 1000);
  }
}

/** How many full buckets are looked for when the map is full: what one newcomer may cost. */
const evictedMax = 64;

/** A bucket per key, at most `keysMax` of them. */
export class Buckets {
  readonly #rate: Rate;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, keysMax: number) {
    this.#rate = rate;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** The key's bucket; undefined when there is no room for one more: the caller refuses. */
  of(key: string, nowMs: number): Bucket | undefined {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#keysMax) this.#evict(nowMs);
    if (this.#buckets.size >= this.#keysMax) return undefined;
    const bucket = new Bucket(this.#rate, nowMs);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #evict(nowMs: number): void {
    let looked = 0;
    for (const [key, bucket] of this.#buckets) {
      if (bucket.isFull(nowMs)) this.#buckets.delete(key);
      looked += 1;
      if (looked === evictedMax) return;
      // A busy one goes to the end, so that the next look begins elsewhere.
      if (this.#buckets.delete(key)) this.#buckets.set(key, bucket);
    }
  }
}

/** One client: an IPv4 address, or an IPv6 network, since one line at home has 2^64 addresses. */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (address.startsWith('::ffff:')) return address.slice(7);
  if (!address.includes(':')) return address;
  const [head = ''] = address.split('::');
  return head.split(':').slice(0, 4).join(':');
}
