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
const driftNsMax = 5_000_000n;

const startNs = process.hrtime.bigint();
const startWallNs = BigInt(Date.now()) * 1_000_000n;

/** The wall clock at nanosecond steps: the system's millisecond when we started, and what has passed since. */
function wallNs(): bigint {
  const steppedNs = startWallNs + (process.hrtime.bigint() - startNs);
  const systemNs = BigInt(Date.now()) * 1_000_000n;
  // The system's clock may have been set meanwhile; it is right, to its millisecond.
  const driftNs = steppedNs - systemNs;
  return driftNs > -driftNsMax && driftNs < driftNsMax ? steppedNs : systemNs;
}

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const cancel = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }, ms);
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

/** The time of this machine. */
export const systemClock: Clock = {
  wallNs: () => wallNs(),
  monotonicNs: () => process.hrtime.bigint(),
  // A fifth cheaper than the other clock, and it makes no BigInt.
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    // A timer takes at most 2^31-1 ms and fires at once beyond that.
    for (let left = ms; left > 0; left -= timerMsMax) {
      await sleepOnce(Math.min(left, timerMsMax), signal);
    }
  },
};

const entropyBytesMax = 65_536;

/** Entropy of this machine, fit for keys. */
export const systemRandom: Random = {
  fill: (bytes) => {
    // Loaded when first asked: it costs 5 ms, which a program that wants no entropy should not pay.
    const { getRandomValues } = process.getBuiltinModule('node:crypto');
    for (let at = 0; at < bytes.length; at += entropyBytesMax)
      getRandomValues(bytes.subarray(at, at + entropyBytesMax));
    return bytes;
  },
};
