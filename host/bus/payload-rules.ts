import type { BusError, Guarantee, Header, Payload } from './message.ts';

const headersMax = 64;
const idBytesMax = 128;
const deliveryHeader = 'mote-delivery';

/** What a payload asks of the bus; `headers` are those its receiver sees. */
export interface PayloadTerms {
  readonly guarantee: Guarantee | undefined;
  readonly headers: readonly Header[];
}

const nothingAsked: PayloadTerms = { guarantee: undefined, headers: [] };

/**
 * Checks the size and the headers of what an agent sends: `mote-…` belongs to the host, which knows
 * `mote-delivery: at-most-once | at-least-once | exactly-once` (wit/types.wit) and takes it off.
 */
export function payloadTerms(payload: Payload, bytesMax: number): PayloadTerms | BusError {
  const { headers } = payload;
  if (headers.length === 0)
    return payload.body.length > bytesMax ? { tag: 'too-large', val: BigInt(bytesMax) } : nothingAsked;
  if (headers.length > headersMax)
    return { tag: 'unsupported', val: `${headers.length} headers; at most ${headersMax}` };
  let bytes = payload.body.length;
  let guarantee: Guarantee | undefined;
  let own = 0;
  for (const { name, value } of headers) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (!isHosts(name)) continue;
    guarantee = name.toLowerCase() === deliveryHeader ? guaranteeNamed(value) : undefined;
    if (guarantee === undefined || ++own > 1) return { tag: 'unsupported', val: `${name}: ${value}` };
  }
  if (bytes > bytesMax) return { tag: 'too-large', val: BigInt(bytesMax) };
  return { guarantee, headers: own === 0 ? headers : headers.filter(({ name }) => !isHosts(name)) };
}

/** Undefined: the id will do. */
export function idFault(id: string): BusError | undefined {
  if (id.length > 0 && Buffer.byteLength(id) <= idBytesMax) return undefined;
  return { tag: 'unsupported', val: `id: 1 to ${idBytesMax} bytes` };
}

function isHosts(name: string): boolean {
  return name.length > 4 && name.charCodeAt(4) === 0x2d && name.slice(0, 5).toLowerCase() === 'mote-';
}

function guaranteeNamed(value: string): Guarantee | undefined {
  return value === 'at-most-once' || value === 'at-least-once' || value === 'exactly-once'
    ? value
    : undefined;
}
