/**
 * Records that travel with every message (wit/types.wit): written out, because V8 makes and reads an object whose
 * fields stand in the code several times faster than one whose fields are computed.
 */

export type RecordMaker = (values: readonly unknown[]) => unknown;
export type FieldsReader = (record: Readonly<Record<string, unknown>>) => unknown[];

const makers: Readonly<Record<string, RecordMaker>> = {
  'contentType headers body': ([contentType, headers, body]) => ({ contentType, headers, body }),
  'name value': ([name, value]) => ({ name, value }),
};

const readers: Readonly<Record<string, FieldsReader>> = {
  'contentType headers body': ({ contentType, headers, body }) => [contentType, headers, body],
  'name value': ({ name, value }) => [name, value],
  'id subject sender replyTo sentAtNs deadlineNs attempt contentType headers body': (message) => [
    message.id,
    message.subject,
    message.sender,
    message.replyTo,
    message.sentAtNs,
    message.deadlineNs,
    message.attempt,
    message.contentType,
    message.headers,
    message.body,
  ],
};

/** Makes a record of the values of its fields, in their order. */
export function recordMaker(keys: readonly string[]): RecordMaker {
  return makers[keys.join(' ')] ?? computedMaker(keys);
}

function computedMaker(keys: readonly string[]): RecordMaker {
  const count = keys.length;
  return (values) => {
    const record: Record<string, unknown> = {};
    for (let index = 0; index < count; index += 1) record[keys[index] as string] = values[index];
    return record;
  };
}

/** Reads the fields of a record in their order. */
export function fieldsReader(keys: readonly string[]): FieldsReader {
  return readers[keys.join(' ')] ?? ((record) => keys.map((key) => record[key]));
}
