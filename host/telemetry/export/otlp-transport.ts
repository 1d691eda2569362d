import type { OtlpRequest } from './otlp-model.ts';
import { fieldsOf, messageIn, numberIn, textIn } from './protobuf-reader.ts';

/** What a collector said to an export, or that it said nothing. */
export type OtlpAnswer =
  | {
      readonly kind: 'taken';
      /** Numbers of it that it did not take. */
      readonly rejectedPoints: number;
      readonly message: string;
    }
  | {
      readonly kind: 'refused';
      /** The same may be taken later. */
      readonly isRetryable: boolean;
      /** Undefined: it did not say when. */
      readonly retryAfterMs: number | undefined;
      readonly reason: string;
    };

/** A way to a collector. */
export interface OtlpTransport {
  /** Never rejects; an abort is an answer that is not retryable. */
  send(request: OtlpRequest, signal: AbortSignal, leftMs: number): Promise<OtlpAnswer>;
}

export interface OtlpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Bytes of an answer that are read; a collector's has some dozen. */
export const answerBytesMax = 65_536;
const messageCharsMax = 500;

/** An `ExportMetricsServiceResponse`: nothing in it means that everything was taken. */
export function takenOf(bytes: Uint8Array): OtlpAnswer {
  const partial = messageIn(fieldsOf(bytes), 1);
  return taken(numberIn(partial, 1), textIn(partial, 2));
}

/** The same in JSON; what is none means the same as nothing. */
export function takenOfJson(text: string): OtlpAnswer {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Readonly<Record<string, unknown>> };
    return taken(Number(partialSuccess?.rejectedDataPoints ?? 0), String(partialSuccess?.errorMessage ?? ''));
  } catch {
    return taken(0, '');
  }
}

function taken(rejected: number, message: string): OtlpAnswer {
  const rejectedPoints = Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  return { kind: 'taken', rejectedPoints, message: message.slice(0, messageCharsMax) };
}

export function refused(reason: string, isRetryable: boolean, retryAfterMs?: number): OtlpAnswer {
  return { kind: 'refused', isRetryable, retryAfterMs, reason: reason.slice(0, messageCharsMax) };
}

/** It cannot be reached, or the way broke off; unless whoever asked ended it. */
export function unreached(cause: unknown, signal: AbortSignal): OtlpAnswer {
  if (signal.aborted) return refused('it took too long', false);
  return refused(cause instanceof Error ? cause.message || cause.name : String(cause), true);
}
