import type { Clock } from '../../../clock.ts';
import type { Pace } from '../pace.ts';
import type { Failure } from './error.ts';
import { type Readiness, Signal } from './readiness.ts';
import type { ByteSink } from './sink.ts';
import type { ByteSource } from './source.ts';

/** A bandwidth as something that guests wait for: while nothing may pass it is not ready, and says when it is again. */
export class PaceGate implements Readiness {
  readonly pace: Pace;
  readonly #clock: Clock;
  readonly #signal = new Signal();
  readonly #end = new AbortController();
  #isArmed = false;

  constructor(pace: Pace, clock: Clock) {
    this.pace = pace;
    this.#clock = clock;
  }

  isReady(): boolean {
    const waitMs = this.pace.waitMs();
    if (waitMs > 0) this.#arm(waitMs);
    return waitMs === 0;
  }

  onChange(wake: () => void): () => void {
    return this.#signal.onChange(wake);
  }

  /** One timer for all who wait. */
  #arm(ms: number): void {
    if (this.#isArmed || this.#end.signal.aborted) return;
    this.#isArmed = true;
    this.#clock.sleep(ms, this.#end.signal).then(
      () => {
        this.#isArmed = false;
        this.#signal.notify();
      },
      () => {},
    );
  }

  close(): void {
    this.#end.abort();
  }
}

/** Ready when both are. */
export function both(first: Readiness, second: Readiness): Readiness {
  return {
    isReady: () => first.isReady() && second.isReady(),
    onChange: (wake) => {
      const [one, other] = [first.onChange(wake), second.onChange(wake)];
      return () => {
        one();
        other();
      };
    },
  };
}

/** A source whose bytes come no faster than the gate lets them: its sender feels it in the end. */
export function pacedSource(source: ByteSource, gate: PaceGate | undefined): ByteSource {
  if (gate === undefined) return source;
  return {
    ...both(source, gate),
    take: (bytesMax: number): Uint8Array | 'closed' | Failure => {
      if (bytesMax > 0 && !gate.isReady()) return new Uint8Array();
      const bytes = source.take(Math.min(bytesMax, Math.max(1, gate.pace.room())));
      if (bytes instanceof Uint8Array) gate.pace.spend(bytes.length);
      return bytes;
    },
    close: () => source.close(),
  };
}

/** A sink that takes bytes no faster than the gate lets them: what it has taken goes out. */
export function pacedSink(sink: ByteSink, gate: PaceGate | undefined): ByteSink {
  if (gate === undefined) return sink;
  return {
    ...both(sink, gate),
    room: (): number | 'closed' | Failure => {
      const room = sink.room();
      if (typeof room !== 'number' || room === 0) return room;
      return gate.isReady() ? Math.min(room, gate.pace.room()) : 0;
    },
    put: (bytes: Uint8Array) => {
      gate.pace.spend(bytes.length);
      sink.put(bytes);
    },
    flush: () => sink.flush(),
    close: () => sink.close(),
  };
}
