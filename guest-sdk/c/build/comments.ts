import type { WitDocs } from '../../build/wit-docs.ts';

/** What a WIT text says of its items, as text for C comments. */
export class Comments {
  readonly #docs: WitDocs;
  readonly #world: string;

  /** @param world full name, which owns what no interface does */
  constructor(docs: WitDocs, world: string) {
    this.#docs = docs;
    this.#world = world;
  }

  /** Lines after the first of a comment that begins with `/*`; empty where WIT says nothing. */
  below(owner: string | undefined, item: string): string {
    return this.#lines(owner, item)
      .map((line) => `\n   ${line}`.trimEnd())
      .join('');
  }

  /** A comment of its own before a part of a type, indented as such. */
  before(owner: string | undefined, item: string): string {
    const lines = this.#lines(owner, item);
    return lines.length === 0 ? '' : `/* ${lines.join('\n     ')} */\n  `;
  }

  #lines(owner: string | undefined, item: string): string[] {
    const text = this.#docs.get(`${owner ?? this.#world}#${item}`) ?? '';
    return text === '' ? [] : text.replaceAll('*/', '* /').replaceAll('/*', '/ *').split('\n');
  }
}
