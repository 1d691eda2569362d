import type { Exchange } from './exchange.ts';
import type { Front } from './front.ts';
import type { Problem } from './problem.ts';
import type { Verb } from './right.ts';
import type { Schema } from './schema.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a token must allow; `target` names the path parameter that says on what. */
export interface Need {
  readonly verb: Verb;
  readonly target?: string;
  /** The target itself, where the path does not say it. */
  readonly fixed?: string;
  /** The route checks more than the verb itself. */
  readonly checked?: 'by the query';
}

/** One kind of answer, for the OpenAPI document. */
export interface AnswerNote {
  readonly description: string;
  readonly contentType?: string;
  readonly schema?: Schema;
  /** Headers of the answer beside those that every answer has. */
  readonly headers?: Readonly<Record<string, Schema>>;
}

/** An answer in JSON. */
export function jsonAnswer(description: string, schema: Schema): AnswerNote {
  return { description, contentType: 'application/json', schema };
}

/** How a body comes in: `bytes` is read by the route itself, whatever its type; the others before it. */
export interface BodyNote {
  readonly description: string;
  /** By media type; those with a schema are JSON and checked with it, the others arrive as bytes. */
  readonly content: Readonly<Record<string, Schema | undefined>>;
}

export interface Call<P, Q, B> {
  readonly exchange: Exchange;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

interface RouteNote {
  readonly method: Method;
  /** With `:name` for parameters. */
  readonly path: string;
  /** `operationId` in the document. */
  readonly operation: string;
  readonly summary: string;
  readonly description?: string;
  /** Undefined: public. */
  readonly needs?: Need;
  readonly params?: Readonly<Record<string, Schema>>;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly headers?: Readonly<Record<string, Schema>>;
  readonly body?: BodyNote;
  /** The route reads the body itself. */
  readonly readsBody?: boolean;
  /** By status. */
  readonly answers: Readonly<Record<number, AnswerNote>>;
}

/** What a route gives back: nothing once it has answered, or sees to it that somebody does; else what to refuse with. */
export type Ended = Problem | undefined | Promise<Problem | undefined>;

/** One operation of the API: what the router checks, what the document says and what is done. */
export interface Route extends RouteNote {
  readonly run: (front: Front, call: Call<never, never, never>) => Ended;
}

interface TypedRoute<P, Q, B> extends RouteNote {
  readonly run: (front: Front, call: Call<P, Q, B>) => Ended;
}

/** A route whose parameters have the types its schemas promise. */
export function route<P = unknown, Q = unknown, B = unknown>(typed: TypedRoute<P, Q, B>): Route {
  return typed;
}
