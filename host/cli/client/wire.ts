import { HostError } from '../../errors.ts';

/** A value as JSON carries it: big numbers are texts of digits. */
export type Wire<T> = T extends bigint
  ? string | number
  : T extends readonly (infer E)[]
    ? readonly Wire<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Wire<T[K]> }
      : T;

/** What a subscriber is sent of a message. */
export interface WireMessage {
  readonly id: string;
  readonly subject: string;
  readonly sender?: string | null;
  readonly contentType?: string | null;
  readonly body?: string;
  readonly bodyBase64?: string;
}

/** A list that an answer has under this key. @throws HostError when the answer is of another shape */
export function listIn<T>(answer: unknown, key: string): readonly T[] {
  const list = tableIn(answer)[key];
  if (Array.isArray(list)) return list as readonly T[];
  throw strange();
}

/** An answer that is a table. @throws HostError when it is something else */
export function tableIn(answer: unknown): Readonly<Record<string, unknown>> {
  if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
  throw strange();
}

/** What an event's or a line's JSON says. @throws HostError when it is no table */
export function parseData<T = Readonly<Record<string, unknown>>>(data: string): T {
  try {
    return tableIn(JSON.parse(data)) as T;
  } catch {
    throw strange();
  }
}

/** A message's body. */
export function bodyOf({ body, bodyBase64 }: WireMessage): Uint8Array {
  return bodyBase64 === undefined ? Buffer.from(body ?? '') : Buffer.from(bodyBase64, 'base64');
}

function strange(): HostError {
  return new HostError(
    'HOST_ERR_SERVER_UNREACHABLE',
    'the server does not answer as host serve does; is --url right?',
  );
}
