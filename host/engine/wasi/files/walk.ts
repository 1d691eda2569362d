import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Anchor } from './anchor.ts';
import { pathDepthMax, stepsPerTurn, symlinksMax } from './bounds.ts';
import { FileError } from './file-error.ts';
import type { Handle } from './handle.ts';
import { below, parsePath } from './path.ts';

/**
 * A walk from a base directory along a guest's path. Every directory on the way is held open, so `..` goes
 * back to the directory the walk came from, whatever was renamed meanwhile, and never above the base.
 * Links are read and walked here, never by the kernel. Bounded: each link adds at most one path of
 * `pathBytesMax`, and at most `symlinksMax` are followed.
 */
export class Walk {
  readonly #anchor: Anchor;
  readonly #open: Handle[];
  /** Where each of them is on the host. */
  readonly #places: string[];
  /** What is left to walk, next last. */
  readonly #left: string[] = [];
  #linksFollowed = 0;
  #steps = 0;
  /** The path says, by a slash or dot at its end, that it means a directory. */
  directoryOnly = false;
  /** The guest's own path ends in `.`. */
  readonly endsInDot: boolean;

  /** @throws FileError for a path that no walk can take (see `parsePath`) */
  constructor(anchor: Anchor, base: Handle, path: string, place: string) {
    this.#anchor = anchor;
    this.endsInDot = this.#push(path);
    this.#open = [base.retain()];
    this.#places = [place];
  }

  /** The path on the host of a name in `top`; of `top` itself without one. */
  placeOf(name?: string): string {
    const place = this.#places.at(-1) ?? '';
    return name === undefined ? place : below(place, name);
  }

  /** The directory the walk has reached. */
  get top(): Handle {
    const top = this.#open.at(-1);
    if (top === undefined) throw new Error('bug: a walk went above its base');
    return top;
  }

  /** Walks up to the last name and returns it; undefined when the path means `top` itself. */
  async toLast(): Promise<string | undefined> {
    for (;;) {
      const part = this.#left.pop();
      if (part === undefined) return undefined;
      if (part === '..') this.#leave();
      else if (this.#left.length === 0) return part;
      else await this.#enter(part);
    }
  }

  /** Makes the next `toLast` return `name` once more. */
  again(name: string): void {
    this.#left.push(name);
  }

  /** Goes on along the link `name` in `top`, after `toLast` returned it. */
  async follow(name: string): Promise<void> {
    this.#linksFollowed += 1;
    if (this.#linksFollowed > symlinksMax) throw new FileError('loop');
    const directoryOnly = this.directoryOnly;
    this.#push(decodeName(await this.top.disk.readLink(this.top.local, this.top.at(name))));
    this.directoryOnly ||= directoryOnly;
  }

  /** Lets go of every directory; the walk can't be used afterwards. */
  end(): void {
    for (const handle of this.#open.splice(0)) handle.release();
  }

  #push(path: string): boolean {
    const { parts, directoryOnly, endsInDot } = parsePath(path);
    for (let at = parts.length - 1; at >= 0; at -= 1) this.#left.push(parts[at] ?? '');
    this.directoryOnly = directoryOnly;
    return endsInDot;
  }

  #leave(): void {
    if (this.#open.length === 1) throw new FileError('notcapable');
    this.#places.pop();
    this.#open.pop()?.release();
  }

  async #enter(name: string): Promise<void> {
    if (this.#open.length >= pathDepthMax) throw new FileError('nametoolong');
    this.#steps += 1;
    if (this.#steps % stepsPerTurn === 0) await nextTurn();
    const directory = await this.#anchor.enter(this.top, name);
    if (directory !== undefined) {
      this.#places.push(this.placeOf(name));
      this.#open.push(directory);
    } else await this.#followMiddle(name);
  }

  async #followMiddle(name: string): Promise<void> {
    const directoryOnly = this.directoryOnly;
    try {
      await this.follow(name);
    } catch (thrown) {
      // Not a link after all: a file stands where a directory should.
      throw thrown instanceof FileError && thrown.code === 'inval' ? new FileError('notdir') : thrown;
    }
    this.directoryOnly = directoryOnly;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws FileError `ilseq` when the host's name is not UTF-8 */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new FileError('ilseq');
  }
}
