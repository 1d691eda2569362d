import { encode } from './utf8.js';

/** Answers with a text (as UTF-8) or with bytes. */
export function reply(body) {
  return bytesOf(body);
}

/** The message was dealt with and there is nothing to say. */
export function noReply() {
  return undefined;
}

/** The message was not dealt with. */
export function fail(failure) {
  throw failure;
}

/** Something to send, from a text (as UTF-8) or from bytes. */
export function payload(body, contentType, headers = []) {
  return { contentType, headers, body: bytesOf(body) };
}

function bytesOf(body) {
  return typeof body === 'string' ? encode(body) : body;
}
