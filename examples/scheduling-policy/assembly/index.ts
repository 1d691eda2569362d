import { Runnable } from "motehost:scheduling/policy@0.1.0";

export namespace policy {
  /**
   * Agents of weight 100 and more are those that pay: they go before all others, whoever is due first before the
   * others of them. Of the others whoever takes the least goes first, and everybody a millisecond earlier for each
   * that it waits.
   */
  export function score(runnables: Runnable[]): Int32Array {
    const scores = new Int32Array(runnables.length);
    for (let at = 0; at < runnables.length; at++) {
      const one = runnables[at];
      const leftMs = <i32>Math.min(one.dueMs - one.nowMs, 1e8);
      const takesMs = <i32>Math.min(one.forecastMs, 1e8);
      const waitedMs = <i32>Math.min(one.nowMs - one.arrivedMs, 1e8);
      scores[at] = one.weight >= 100 ? leftMs - 1_000_000_000 : takesMs - waitedMs;
    }
    return scores;
  }
}
