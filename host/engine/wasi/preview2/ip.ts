/** Tuple `ipv4-address`. */
export type Ipv4 = readonly [number, number, number, number];
/** Tuple `ipv6-address`. */
export type Ipv6 = readonly [number, number, number, number, number, number, number, number];

/** Variant `ip-address`. */
export type IpAddress =
  | { readonly tag: 'ipv4'; readonly val: Ipv4 }
  | { readonly tag: 'ipv6'; readonly val: Ipv6 };

export type Family = IpAddress['tag'];

const dottedQuad = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** An address as people write it, `::1` with or without brackets; undefined for anything else. No zones. */
export function parseIp(text: string): IpAddress | undefined {
  const quad = dottedQuad.exec(text)?.slice(1).map(Number);
  if (quad !== undefined) return quad.every((part) => part < 256) ? ipv4(quad) : undefined;
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (!/^[0-9a-f:.]{2,45}$/i.test(bare) || !bare.includes(':')) return undefined;
  const url = URL.parse(`http://[${bare}]/`);
  return url === null ? undefined : ipv6(expanded(url.hostname.slice(1, -1)));
}

/** One spelling for each address, which Node takes too: `127.0.0.1`, `0:0:0:0:0:0:0:1`. */
export function ipText(address: IpAddress): string {
  if (address.tag === 'ipv4') return address.val.join('.');
  return address.val.map((part) => part.toString(16)).join(':');
}

/** 0.0.0.0 or ::. */
export function isUnspecified({ val }: IpAddress): boolean {
  return val.every((part) => part === 0);
}

export function isMulticastOrBroadcast(address: IpAddress): boolean {
  if (address.tag === 'ipv6') return address.val[0] >> 8 === 0xff;
  return (address.val[0] & 0xf0) === 0xe0 || address.val.every((part) => part === 255);
}

/** The IPv4 address inside `::ffff:a.b.c.d`. */
export function mappedIpv4(address: IpAddress): IpAddress | undefined {
  if (address.tag === 'ipv4') return undefined;
  const [a, b, c, d, e, mark, high, low] = address.val;
  if ((a | b | c | d | e) !== 0 || mark !== 0xffff) return undefined;
  return ipv4([high >> 8, high & 255, low >> 8, low & 255]);
}

/** Addresses that mean this machine or this wire: what a name in the public DNS has no business pointing at. */
export function isInward(address: IpAddress): boolean {
  const inner = mappedIpv4(address);
  if (inner !== undefined) return isInward(inner);
  if (isUnspecified(address) || isMulticastOrBroadcast(address)) return true;
  if (address.tag === 'ipv4') {
    const [first, second] = address.val;
    return first === 0 || first === 127 || (first === 169 && second === 254);
  }
  const [first] = address.val;
  return (
    (first & 0xffc0) === 0xfe80 || (address.val[7] === 1 && address.val.slice(0, 7).every((p) => p === 0))
  );
}

function ipv4(parts: readonly number[]): IpAddress {
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  return { tag: 'ipv4', val: [a, b, c, d] };
}

function ipv6(parts: readonly number[]): IpAddress {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = parts;
  return { tag: 'ipv6', val: [a, b, c, d, e, f, g, h] };
}

/** The eight parts of an address as the URL standard writes it: lower case, `::` at most once, no dots. */
function expanded(compressed: string): number[] {
  const [head = '', tail] = compressed.split('::');
  const parts = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  const front = parts(head);
  if (tail === undefined) return front;
  const back = parts(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}
