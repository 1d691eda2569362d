import type { Delivery } from './delivery.ts';
import { TokenTable } from './token-table.ts';

/** What one request asked for here: more than one delivery when more than one receiver got it. */
interface Question {
  readonly token: number;
  first: Delivery;
}

/** Requests that wait or are handled on a thread, by the thread that asked and its token. */
export class AskedTable {
  readonly #byThread: (TokenTable<Question> | undefined)[] = [];

  get size(): number {
    return this.#byThread.reduce((sum, table) => sum + (table?.size ?? 0), 0);
  }

  add(delivery: Delivery): void {
    const { thread, request } = delivery;
    this.#byThread[thread] ??= new TokenTable();
    const table = this.#byThread[thread];
    const known = table.get(request);
    delivery.sibling = known?.first;
    if (known === undefined) table.set({ token: request, first: delivery });
    else known.first = delivery;
  }

  delete(delivery: Delivery): void {
    const table = this.#byThread[delivery.thread];
    const known = table?.get(delivery.request);
    if (table === undefined || known === undefined) return;
    if (known.first === delivery) {
      if (delivery.sibling === undefined) table.delete(delivery.request);
      else known.first = delivery.sibling;
      return;
    }
    for (let one: Delivery | undefined = known.first; one !== undefined; one = one.sibling)
      if (one.sibling === delivery) one.sibling = delivery.sibling;
  }

  /** Everything a request asked for, the first of its siblings; it is not asked any more. */
  take(thread: number, request: number): Delivery | undefined {
    const table = this.#byThread[thread];
    const first = table?.get(request)?.first;
    table?.delete(request);
    return first;
  }

  /** The same for all requests of a thread. */
  takeAll(thread: number): readonly Delivery[] {
    const table = this.#byThread[thread];
    this.#byThread[thread] = undefined;
    return table?.all().map(({ first }) => first) ?? [];
  }
}
