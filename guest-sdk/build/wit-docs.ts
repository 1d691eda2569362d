import type { WitText } from './wit-text.ts';

/**
 * Comments (`///`) of a WIT text by what they stand above: `a:b/c@1.0.0#request`, `…#[method]r.m`, `…#failure.denied`.
 * The resolved world has none. Read line by line, as WIT is written; what is laid out otherwise has no comment here.
 */
export type WitDocs = ReadonlyMap<string, string>;

const ownerLine = /^\s*(?:interface|world)\s+%?([\w-]+)\s*\{/;
const typeLine = /^\s*(record|variant|enum|flags|resource|type)\s+%?([\w-]+)/;
const functionLine = /^\s*(?:import\s+|export\s+)?%?([\w-]+)\s*:\s*(?:async\s+)?(static\s+)?func\b/;
const partLine = /^\s*%?([\w-]+)\s*(?:[:(,}]|$)/;

export function witDocs({ pieces, text }: WitText): WitDocs {
  const docs = new Map<string, string>();
  const main = /^package\s+([^;]+);/.exec(text)?.[1] ?? '';
  for (const { source } of pieces)
    new DocReader(/^[ \t]*package\s+([^;\s]+)\s*;/m.exec(source)?.[1] ?? main, docs).read(source);
  return docs;
}

class DocReader {
  readonly #docs: Map<string, string>;
  readonly #package: string;
  readonly #version: string;
  #owner = '';
  #container: { readonly kind: string; readonly name: string } | undefined;
  #comment: string[] = [];

  constructor(packageName: string, docs: Map<string, string>) {
    const at = packageName.indexOf('@');
    this.#package = at < 0 ? packageName : packageName.slice(0, at);
    this.#version = at < 0 ? '' : packageName.slice(at);
    this.#docs = docs;
  }

  read(source: string): void {
    for (const line of source.split('\n')) {
      const comment = /^\s*\/\/\/ ?(.*)$/.exec(line)?.[1];
      if (comment !== undefined) this.#comment.push(comment.trimEnd());
      else if (line.trim() !== '' && !line.trim().startsWith('@')) {
        this.#item(line.replace(/\/\/.*/, ''));
        this.#comment = [];
      }
    }
  }

  #item(line: string): void {
    const owner = ownerLine.exec(line)?.[1];
    if (owner !== undefined) {
      this.#owner = `${this.#package}/${owner}${this.#version}`;
      this.#docs.set(this.#owner, this.#comment.join('\n'));
      return;
    }
    const name = this.#nameOf(line);
    if (name !== undefined && this.#comment.length > 0)
      this.#docs.set(`${this.#owner}#${name}`, this.#comment.join('\n'));
    const [, kind, type] = typeLine.exec(line) ?? [];
    if (this.#container === undefined && kind !== undefined && type !== undefined && /\{[^}]*$/.test(line))
      this.#container = { kind, name: type };
    else if (this.#container !== undefined && line.includes('}')) this.#container = undefined;
  }

  #nameOf(line: string): string | undefined {
    const [, func, isStatic] = functionLine.exec(line) ?? [];
    const container = this.#container;
    if (container === undefined) return func ?? typeLine.exec(line)?.[2];
    if (container.kind !== 'resource') {
      const part = partLine.exec(line)?.[1];
      return part === undefined ? undefined : `${container.name}.${part}`;
    }
    if (/^\s*constructor\b/.test(line)) return `[constructor]${container.name}`;
    return func === undefined
      ? undefined
      : `${isStatic === undefined ? '[method]' : '[static]'}${container.name}.${func}`;
  }
}
