import type { Payload } from '../../host/serving.ts';
import type { Head } from '../exchange.ts';

const noHeaders: Payload['headers'] = [];

/** A message out of a request's head and a body that shares memory with nothing. */
export function payloadOf(request: Head, body: Uint8Array<ArrayBuffer>): Payload {
  const { headers } = request;
  const trace = headers.traceparent;
  return {
    contentType: headers['content-type'],
    headers:
      trace === undefined || Array.isArray(trace) ? noHeaders : [{ name: 'traceparent', value: trace }],
    body,
  };
}
