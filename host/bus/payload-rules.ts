import { type Level, levelNamed } from '../manifest/scheduling.ts';
import type { BusError, Guarantee, Header, Payload } from './message.ts';

const headersMax = 64;
const idBytesMax = 128;
const deliveryHeader = 'mote-delivery';
const priorityHeader = 'mote-priority';

/** What a payload asks of the bus; `headers` are those its receiver sees. */
export interface PayloadTerms {
  readonly guarantee: Guarantee | undefined;
  readonly priority: Level | undefined;
  readonly headers: readonly Header[];
}

const nothingAsked: PayloadTerms = { guarantee: undefined, priority: undefined, headers: [] };
/** What most who ask for anything ask for, ready made. */
const onlyAsked: { readonly [guarantee in Guarantee]: PayloadTerms } = {
  'at-most-once': { ...nothingAsked, guarantee: 'at-most-once' },
  'at-least-once': { ...nothingAsked, guarantee: 'at-least-once' },
  'exactly-once': { ...nothingAsked, guarantee: 'exactly-once' },
};

/**
 * Checks the size and the headers of what an agent sends: `mote-…` belongs to the host, which knows
 * `mote-delivery: at-most-once | at-least-once | exactly-once` and `mote-priority: LEVEL` (wit/types.wit), and takes
 * them off.
 */
export function payloadTerms(payload: Payload, bytesMax: number): PayloadTerms | BusError {
  const { headers } = payload;
  if (headers.length === 0)
    return payload.body.length > bytesMax ? { tag: 'too-large', val: BigInt(bytesMax) } : nothingAsked;
  if (headers.length === 1 && headers[0]?.name === deliveryHeader)
    return deliveryAsked(headers[0].value, payload.body.length, bytesMax);
  if (headers.length > headersMax)
    return { tag: 'unsupported', val: `${headers.length} headers; at most ${headersMax}` };
  let bytes = payload.body.length;
  let guarantee: Guarantee | undefined;
  let priority: Level | undefined;
  let own = 0;
  for (const { name, value } of headers) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (!isHosts(name)) continue;
    own += 1;
    const said = name.toLowerCase();
    if (said === deliveryHeader && guarantee === undefined) guarantee = guaranteeNamed(value);
    else if (said === priorityHeader && priority === undefined) priority = levelNamed(value);
    else return unsupported(name, value);
    if ((said === deliveryHeader ? guarantee : priority) === undefined) return unsupported(name, value);
  }
  if (bytes > bytesMax) return { tag: 'too-large', val: BigInt(bytesMax) };
  return { guarantee, priority, headers: own === 0 ? headers : headers.filter(({ name }) => !isHosts(name)) };
}

function deliveryAsked(value: string, bodyBytes: number, bytesMax: number): PayloadTerms | BusError {
  const guarantee = guaranteeNamed(value);
  if (guarantee === undefined) return unsupported(deliveryHeader, value);
  const bytes = bodyBytes + deliveryHeader.length + guarantee.length;
  return bytes > bytesMax ? { tag: 'too-large', val: BigInt(bytesMax) } : onlyAsked[guarantee];
}

function unsupported(name: string, value: string): BusError {
  return { tag: 'unsupported', val: `${name}: ${value}` };
}

/** The level that a payload asks for, as far as there is such a one. */
export function priorityAsked({ headers }: Payload): Level | undefined {
  for (let at = 0; at < headers.length; at += 1) {
    const header = headers[at] as Header;
    if (
      header.name !== deliveryHeader &&
      isHosts(header.name) &&
      header.name.toLowerCase() === priorityHeader
    )
      return levelNamed(header.value);
  }
  return undefined;
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
