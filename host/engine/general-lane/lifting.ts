/**
 * What one crossing from guest to host may carry. Without a bound a guest of a few bytes makes the host
 * build terabytes: lists and strings may overlap in its memory, and lists of lists multiply.
 */
const liftedBytesMax = 256 * 1024 * 1024;
/** What one element of a lifted list weighs: about a boxed value in the host's heap. */
const elementBytes = 32;

/** Counts what is lifted out of one component, and is its only way to text and byte lists. */
export class Lifting {
  #bytes = 0;

  /** A new crossing begins: a call came back, or a host function was reached. */
  restart(): void {
    this.#bytes = 0;
  }

  readonly slice = (buffer: ArrayBuffer, from: number, to: number): ArrayBuffer => {
    if (to > buffer.byteLength) throw new RangeError('a list lies outside of the guest memory');
    this.#charge(to - from);
    return buffer.slice(from, to);
  };

  readonly count = (elements: number): 0 => {
    this.#charge(elements * elementBytes);
    return 0;
  };

  /** `TextDecoder` as the canonical ABI wants it: invalid text traps, a byte order mark is text. */
  decoderClass(): new (label?: string) => Pick<TextDecoder, 'decode'> {
    const charge = (bytes: number) => this.#charge(bytes);
    return class {
      readonly #decoder: TextDecoder;
      constructor(label = 'utf-8') {
        this.#decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
      }
      decode(text: NodeJS.ArrayBufferView): string {
        charge(text.byteLength);
        return this.#decoder.decode(text);
      }
    };
  }

  #charge(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > liftedBytesMax)
      throw new RangeError(`a value of more than ${liftedBytesMax} bytes was handed to the host at once`);
  }
}
