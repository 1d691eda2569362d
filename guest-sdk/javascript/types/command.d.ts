// What a command has: arguments, an environment, three streams and an exit code.

declare module 'motehost:command' {
  /** Where a program reads from. */
  export class Input {
    private constructor();
    /** The next bytes, as many as there are; undefined at the end. */
    read(): Uint8Array | undefined;
    /** The next line as text, without its line break; undefined at the end. */
    line(): string | undefined;
    /** The lines that are left. */
    lines(): Generator<string, void>;
    /** All that is left, as text. */
    text(): string;
  }

  /** Where a program writes. */
  export class Output {
    private constructor();
    /** Writes a text (as UTF-8) or bytes; throws if nobody takes them. */
    write(data: string | Uint8Array): void;
    /** Writes a text and a line break. */
    line(text?: string): void;
  }

  /** The program's arguments, without its own name. */
  export function args(): string[];
  /** The value of an environment variable; undefined: not set. */
  export function env(name: string): string | undefined;
  /** Ends the program at once with an exit code from 0 to 255. */
  export function exit(code: number): never;
  export const stdin: Input;
  export const stdout: Output;
  export const stderr: Output;
}
