import { validateJSON } from "json-as/assembly/util/validateJson";

/** Whether a text is JSON (RFC 8259). `JSON.parse` ends the instance for a text that is none. */
export function isJson(text: string): bool {
  return validateJSON(text);
}
