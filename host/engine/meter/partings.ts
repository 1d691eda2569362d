import { construct, type Frame } from './control.ts';

/** `reachedBy` of a frame whose end nothing branches to yet, and of one that cannot pay for a parting. */
const nobody = -1;
const several = -2;

/**
 * Where control parts for good: a conditional branch, a switch, an `if` with both arms. If each way begins at
 * a site that only this parting leads to, what the site before the parting owes is paid by each way along with
 * its own cost, so that a run pays once for both. Each way is taken exactly once for each run of the source.
 */
export class Partings {
  #count = 0;
  readonly #sources: number[] = [];
  /** Ways whose first site is not known: for good, if one begins where others come in too. */
  readonly #awaited: number[] = [];
  /** Each parting's ways as a list: the latest one, and for each the one before. */
  readonly #latest: number[] = [];
  readonly #sites: number[] = [];
  readonly #before: number[] = [];
  #ways = 0;

  clear(): void {
    this.#count = 0;
    this.#ways = 0;
  }

  /** Begins a parting out of site `source`; -1 in unreachable code and at the entry, which leaves are priced by. */
  open(source: number): number {
    if (source <= 0) return -1;
    const parting = this.#count;
    this.#sources[parting] = source;
    this.#awaited[parting] = 0;
    this.#latest[parting] = -1;
    this.#count += 1;
    return parting;
  }

  /** A way that begins at `site`, where nothing else comes in. */
  way(parting: number, site: number): void {
    if (parting < 0) return;
    this.#sites[this.#ways] = site;
    this.#before[this.#ways] = this.#latest[parting] as number;
    this.#latest[parting] = this.#ways;
    this.#ways += 1;
  }

  /** A way whose site comes later, or never: then nothing is moved. */
  await(parting: number): void {
    if (parting >= 0) this.#awaited[parting] = (this.#awaited[parting] as number) + 1;
  }

  /** A way that was awaited begins at `site`, where nothing else comes in. */
  settle(parting: number, site: number): void {
    if (parting < 0) return;
    this.#awaited[parting] = (this.#awaited[parting] as number) - 1;
    this.way(parting, site);
  }

  /** A branch of `parting` (-1: of none) goes to the label of `frame`; of several labels alike only the first counts. */
  arrive(frame: Frame, parting: number): void {
    if (parting >= 0 && frame.reachedBy === parting) return;
    this.await(parting);
    const first = frame.reachedBy === nobody && frame.kind === construct.block && parting >= 0;
    frame.reachedBy = first ? parting : several;
  }

  /** Moves the costs. In order of creation every parting comes after those whose ways lead to it. */
  move(costs: Float64Array): void {
    for (let parting = 0; parting < this.#count; parting += 1) {
      const source = this.#sources[parting] as number;
      const owed = costs[source] as number;
      if (owed === 0 || this.#awaited[parting] !== 0) continue;
      for (let way = this.#latest[parting] as number; way >= 0; way = this.#before[way] as number)
        costs[this.#sites[way] as number] = (costs[this.#sites[way] as number] as number) + owed;
      costs[source] = 0;
    }
  }
}
