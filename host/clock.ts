import { setTimeout as sleep } from 'node:timers/promises';

/** Time as a dependency: everything that waits or stamps takes one, so tests turn it by hand. */
export interface Clock {
  /** Nanoseconds since the Unix epoch. */
  wallNs(): bigint;
  /** Nanoseconds since an arbitrary start; never goes back. */
  monotonicNs(): bigint;
  /** Milliseconds since an arbitrary start; never goes back; cheap enough for every fuel slice. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Entropy as a dependency. */
export interface Random {
  /** Fills and returns `bytes`; any length. */
  fill(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
  monotonicNs: () => process.hrtime.bigint(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    // A timer takes at most 2^31-1 ms and fires at once beyond that.
    for (let left = ms; left > 0; left -= timerMsMax) {
      await sleep(Math.min(left, timerMsMax), undefined, signal === undefined ? {} : { signal });
    }
  },
};

const entropyBytesMax = 65_536;

export const systemRandom: Random = {
  fill: (bytes) => {
    // Loaded when first asked: it costs 5 ms, which a program that wants no entropy should not pay.
    const { getRandomValues } = process.getBuiltinModule('node:crypto');
    for (let at = 0; at < bytes.length; at += entropyBytesMax)
      getRandomValues(bytes.subarray(at, at + entropyBytesMax));
    return bytes;
  },
};
