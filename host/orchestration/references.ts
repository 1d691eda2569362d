import { HostError } from '../errors.ts';

/**
 * What may be done with a value that one agent hands to another:
 *
 * - `iso`: there is one handle to it; handing it over moves it, and the sender's handle is dead.
 * - `val`: nobody can change it, so everybody may have it.
 * - `ref`: it may be changed, and so stays with its owner.
 * - `tag`: says who or what is meant, and gives nothing of it.
 */
export type Reference<T = unknown> = Iso | Val<T> | Ref<T> | Tag;

/** Bytes that one party has at a time. */
export class Iso {
  readonly kind = 'iso';
  #bytes: Uint8Array<ArrayBuffer> | undefined;

  /** Takes the buffer away from whoever made it: the array that was given is empty afterwards. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = moved(bytes);
  }

  get isAlive(): boolean {
    return this.#bytes !== undefined;
  }

  /** To read and to write. @throws HostError `HOST_ERR_CAPABILITY_DENIED` after it was handed over */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes === undefined) throw dead();
    return this.#bytes;
  }

  /** A handle for the next one; this one is dead, and so are all views of the bytes that were made of it. */
  move(): Iso {
    const next = new Iso(this.bytes);
    this.#bytes = undefined;
    return next;
  }

  /** Nobody writes it any more: from now on it may be had by many. */
  freeze(): Val<Uint8Array> {
    const bytes = this.bytes;
    this.#bytes = undefined;
    return new Val(moved(bytes));
  }
}

/** A value that nobody can change: bytes, or plain data that is frozen throughout. */
export class Val<T> {
  readonly kind = 'val';
  readonly #value: T;

  /** Freezes plain data where it is; of bytes it keeps a copy. @throws HostError `HOST_ERR_VALUE_INVALID` for what cannot be frozen */
  constructor(value: T) {
    this.#value = value instanceof Uint8Array ? (value.slice() as T) : frozen(value, 0);
  }

  /** The data, frozen; of bytes a copy of one's own. */
  get value(): T {
    return this.#value instanceof Uint8Array ? (this.#value.slice() as T) : this.#value;
  }
}

/** A value that only its owner has. */
export class Ref<T> {
  readonly kind = 'ref';
  readonly owner: string;
  readonly #value: T;

  constructor(owner: string, value: T) {
    this.owner = owner;
    this.#value = value;
  }

  /** @throws HostError `HOST_ERR_CAPABILITY_DENIED` for anybody but its owner */
  valueFor(agent: string): T {
    if (agent === this.owner) return this.#value;
    throw local(this.owner, agent);
  }
}

/** Names something; equal tags name the same. */
export class Tag {
  readonly kind = 'tag';
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  equals(other: Tag): boolean {
    return this.id === other.id;
  }
}

/**
 * What the receiver gets when one agent hands a value to another: checked here, whatever the types said.
 * @throws HostError `HOST_ERR_CAPABILITY_DENIED` for a `ref` and for an `iso` that was handed over before;
 * `HOST_ERR_VALUE_INVALID` for what is no reference
 */
export function handOver<T>(reference: Reference<T>, from: string, to: string): Reference<T> {
  if (reference instanceof Iso) return from === to ? reference : reference.move();
  if (reference instanceof Val) return reference;
  if (reference instanceof Tag) return new Tag(reference.id);
  if (reference instanceof Ref) {
    if (from === to && reference.owner === to) return reference;
    throw local(reference.owner, to);
  }
  throw new HostError(
    'HOST_ERR_VALUE_INVALID',
    'what is handed from agent to agent is an Iso, a Val or a Tag; wrap the value in one of them',
  );
}

function moved(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.buffer.detached) throw dead();
  // A view of a part must not take the rest with it.
  const isWhole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  if (!isWhole)
    throw new HostError(
      'HOST_ERR_VALUE_INVALID',
      'the bytes are a part of a buffer that others may have; copy them first: new Iso(bytes.slice())',
    );
  return new Uint8Array(bytes.buffer.transfer());
}

const depthMax = 64;

function frozen<T>(value: T, depth: number): T {
  if (typeof value === 'function') throw unfreezable('a function');
  if (typeof value !== 'object' || value === null) return value;
  if (depth > depthMax) throw unfreezable(`what is more than ${depthMax} deep or holds itself`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null)
    throw unfreezable(`a ${(value as object).constructor?.name ?? 'strange object'}`);
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (descriptor?.get !== undefined || descriptor?.set !== undefined)
      throw unfreezable('a property with code');
    frozen(descriptor?.value, depth + 1);
  }
  return Object.freeze(value);
}

function unfreezable(what: string): HostError {
  return new HostError(
    'HOST_ERR_VALUE_INVALID',
    `${what} cannot be frozen; a Val is bytes, or plain data: objects, arrays, texts, numbers`,
  );
}

function dead(): HostError {
  return new HostError(
    'HOST_ERR_CAPABILITY_DENIED',
    'the value was handed over, and this handle is dead; keep a copy before handing it over, or hand over a Val',
  );
}

function local(owner: string, agent: string): HostError {
  return new HostError(
    'HOST_ERR_CAPABILITY_DENIED',
    `a ref of '${owner}' stays there and cannot go to '${agent}'; hand over an Iso, a Val or a Tag`,
    { owner, agent },
  );
}
