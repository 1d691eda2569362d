import { Payload } from "motehost:agent/types";
import { encode } from "./utf8";

/** Bytes of a text (as UTF-8), or bytes as they are. */
export function bytesOf<T>(body: T): Uint8Array {
  if (isString<T>()) return encode(<string>body);
  if (idof<nonnull<T>>() == idof<Uint8Array>()) return <Uint8Array>body;
  ERROR("a body is a string or a Uint8Array");
  return unreachable();
}

/** Something to send, from a text, bytes or what is one already. */
export function payloadOf<T>(body: T): Payload {
  if (!isString<T>()) {
    if (idof<nonnull<T>>() == idof<Payload>()) return changetype<Payload>(body);
  }
  return new Payload(null, [], bytesOf<T>(body));
}
