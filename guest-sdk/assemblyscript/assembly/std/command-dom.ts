// What AssemblyScript's library asks of its surroundings, answered by WASI preview1. It takes the place of
// the library's own `bindings/dom`, which would import from a browser.
import { stderr, stdout } from "motehost-sdk/command";
import { clock_time_get, random_get, results } from "motehost-sdk/command/preview1";

const realtime = 0;
const monotonic = 1;

function timeNs(clock: i32): u64 {
  return clock_time_get(clock, 1, results) != 0 ? 0 : load<u64>(results);
}

export namespace Date {
  /** Milliseconds since the Unix epoch. */
  export function now(): f64 {
    return <f64>(timeNs(realtime) / 1_000_000);
  }
}

export namespace performance {
  /** Milliseconds since a start nobody knows. */
  export function now(): f64 {
    return <f64>timeNs(monotonic) / 1e6;
  }
}

export namespace crypto {
  export function getRandomValues(array: Uint8Array): void {
    if (random_get(array.dataStart, array.length) != 0) throw new Error("no random bytes");
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
    if (!condition) stderr.line("assertion failed: " + message);
  }
  export function log(text: string): void { stdout.line(text); }
  export function debug(text: string): void { stdout.line(text); }
  export function info(text: string): void { stdout.line(text); }
  export function warn(text: string): void { stderr.line(text); }
  export function error(text: string): void { stderr.line(text); }
  export function time(label: string): void { startedAt().set(label, timeNs(monotonic)); }
  export function timeLog(label: string): void {
    if (!startedAt().has(label)) return;
    const elapsedMs = <f64>(timeNs(monotonic) - startedAt().get(label)) / 1e6;
    stdout.line(label + ": " + elapsedMs.toString() + " ms");
  }
  export function timeEnd(label: string): void {
    timeLog(label);
    startedAt().delete(label);
  }
}

// The library names JavaScript's own Math, for code that is compiled to JavaScript; nothing here calls it.
export namespace Math {}
