// What AssemblyScript's library asks of its surroundings, answered by the agent's world. It takes the place
// of the library's own `bindings/dom`, which would import from a browser.
import { Level, write } from "motehost:agent/log";
import { now as monotonicNow } from "wasi:clocks/monotonic-clock";
import { getRandomBytes } from "wasi:random/random";
import { now as wallNow } from "wasi:clocks/wall-clock";

export namespace Date {
  /** Milliseconds since the Unix epoch. */
  export function now(): f64 {
    const time = wallNow();
    return <f64>(time.seconds * 1000 + time.nanoseconds / 1_000_000);
  }
}

export namespace performance {
  /** Milliseconds since a start nobody knows. */
  export function now(): f64 {
    return <f64>monotonicNow() / 1e6;
  }
}

export namespace crypto {
  export function getRandomValues(array: Uint8Array): void {
    array.set(getRandomBytes(array.length));
  }
}

// Made on first use: this file's top level runs before the collector is set up.
let timers: Map<string, u64> | null = null;

function startedAt(): Map<string, u64> {
  if (timers === null) timers = new Map<string, u64>();
  return timers!;
}

export namespace console {
  export function assert(condition: bool, message: string): void {
    if (!condition) write(Level.error, "assertion failed: " + message, []);
  }
  export function log(text: string): void { write(Level.info, text, []); }
  export function debug(text: string): void { write(Level.debug, text, []); }
  export function info(text: string): void { write(Level.info, text, []); }
  export function warn(text: string): void { write(Level.warn, text, []); }
  export function error(text: string): void { write(Level.error, text, []); }
  export function time(label: string): void { startedAt().set(label, monotonicNow()); }
  export function timeLog(label: string): void {
    if (!startedAt().has(label)) return;
    const elapsedMs = <f64>(monotonicNow() - startedAt().get(label)) / 1e6;
    write(Level.info, label + ": " + elapsedMs.toString() + " ms", []);
  }
  export function timeEnd(label: string): void {
    timeLog(label);
    startedAt().delete(label);
  }
}

// The library names JavaScript's own Math, for code that is compiled to JavaScript; nothing here calls it.
export namespace Math {}
