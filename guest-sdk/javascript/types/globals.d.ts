// What agents in JavaScript have besides the language itself.

declare module 'motehost:agent-sdk' {
  /** The `err` of a call: `payload` is its value. */
  export class CallError<T = unknown> extends Error {
    private constructor();
    readonly payload: T;
  }

  /** Why a message was not dealt with: throw one, and whoever asked is told. */
  export class Failure extends Error {
    private constructor();
    readonly tag: 'invalid' | 'denied' | 'unsupported' | 'unavailable' | 'timed-out' | 'custom' | 'other';
    /** The message makes no sense to this agent; repeating it will not help. */
    static invalid(text: string): Failure;
    /** This sender may not ask this. */
    static denied(text: string): Failure;
    /** The agent does not do what was asked. */
    static unsupported(text: string): Failure;
    /** It did not work now and may work later: the host delivers the message again. */
    static unavailable(text: string): Failure;
    /** It took too long. */
    static timedOut(text: string): Failure;
    /** A failure of the agent's own kind; `code` is a stable word that programs compare. */
    static custom(code: string, message: string, detail?: Uint8Array): Failure;
    /** Anything else. */
    static other(text: string): Failure;
  }

  /** Answers with a text (as UTF-8) or with bytes. */
  export function reply(body: string | Uint8Array): Uint8Array;
  /** The message was dealt with and there is nothing to say. */
  export function noReply(): undefined;
  /** Throws the failure: the message was not dealt with. */
  export function fail(failure: Failure): never;
  /** Something to send, from a text (as UTF-8) or from bytes. */
  export function payload(
    body: string | Uint8Array,
    contentType?: string,
    headers?: { name: string; value: string }[],
  ): { contentType?: string | undefined; headers: { name: string; value: string }[]; body: Uint8Array };

  export namespace utf8 {
    /** Text as UTF-8 bytes. */
    function encode(text: string): Uint8Array;
    /** Text from UTF-8 bytes, such as a message's body. Broken bytes become U+FFFD. */
    function decode(bytes: Uint8Array): string;
  }

  /** Lines for the people who run the agent; `fields` are named values beside the text. */
  export namespace log {
    type Fields = Record<string, string | number | bigint | boolean>;
    /** Whether a line of this level would be kept. */
    function enabled(level: 'trace' | 'debug' | 'info' | 'warn' | 'error'): boolean;
    function trace(text: string, fields?: Fields): void;
    function debug(text: string, fields?: Fields): void;
    function info(text: string, fields?: Fields): void;
    function warn(text: string, fields?: Fields): void;
    function error(text: string, fields?: Fields): void;
  }
}

/** Writes lines of the world's log; of a world without one, to standard error, in a command also to standard output. */
declare const console: {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  dir(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  assert(condition: unknown, ...values: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  group(...values: unknown[]): void;
  groupEnd(): void;
};

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

/** UTF-8 alone. */
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

/** Random numbers of the world. */
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): string;
};

declare const performance: {
  /** Milliseconds since it was first asked. */
  now(): number;
};

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}

declare function structuredClone<T>(value: T): T;
declare function queueMicrotask(task: () => void): void;
declare function atob(text: string): string;
declare function btoa(text: string): string;
