import { type HostInterface, type HostResource, WitError } from '../../../linker.ts';
import type { WasiGrants } from '../../grants.ts';
import type { Guest } from '../../preview2/guest.ts';
import { HttpClient } from '../../preview2/http/client.ts';
import type { ErrorCode } from '../../preview2/http/codes.ts';
import type { Fields } from '../../preview2/http/fields.ts';
import { madeFor, offeredFields } from '../../preview2/http/offered.ts';
import type { Timeouts } from '../../preview2/http/requests.ts';
import { reachOf } from '../../preview2/reach.ts';
import type { GuestStream } from '../flow.ts';
import { offer } from '../offer.ts';
import type { Trailers } from './contents.ts';
import { RequestOptions } from './options.ts';
import { Request, takeParts } from './request.ts';
import { Response } from './response.ts';

const noTimeouts: Timeouts = { connectNs: undefined, firstByteNs: undefined, betweenBytesNs: undefined };

/** `wasi:http` of WASI 0.3: the types of both directions, and requests as far as the network grants reach. */
export function http(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const client = new HttpClient(guest, reachOf(guest, grants), grants);
  const OfferedFields = offeredFields(guest);
  return [
    offer('wasi:http/types', {
      Fields: OfferedFields,
      Headers: OfferedFields,
      Trailers: OfferedFields,
      Request: newBy(
        Request,
        (
          headers: Fields,
          contents: GuestStream<number> | undefined,
          trailers: PromiseLike<Trailers>,
          options: RequestOptions | undefined,
        ) => Request.made(guest, headers, contents, trailers, options),
      ),
      RequestOptions: madeFor(guest, RequestOptions),
      Response: newBy(
        Response,
        (headers: Fields, contents: GuestStream<number> | undefined, trailers: PromiseLike<Trailers>) =>
          Response.made(guest, headers, contents, trailers),
      ),
    }),
    offer('wasi:http/client', { send: (request: Request) => send(guest, client, request) }),
  ];
}

/** The class with a static `new` that makes messages of one guest. A proxy is the same class to `instanceof`. */
function newBy<Args extends unknown[]>(
  resource: HostResource,
  make: (...args: Args) => unknown,
): HostResource {
  return new Proxy(resource, {
    get: (target, key) => (key === 'new' ? make : Reflect.get(target, key)),
  });
}

/** @throws WitError with the `error-code` of a request that is invalid, goes where no grant reaches, or fails */
async function send(guest: Guest, client: HttpClient, request: Request): Promise<Response> {
  guest.budget.check();
  // Until its contents are on their way, a failure drops the request with all it has.
  using given = request;
  const { parts, contents, timeouts } = takeParts(given);
  using pending = client.send(parts, timeouts ?? noTimeouts);
  contents.send(parts.transfer);
  using pollable = pending.subscribe();
  await pollable.block();
  const answer = pending.get();
  if (answer?.tag !== 'ok') throw new WitError<ErrorCode>({ tag: 'internal-error', val: undefined });
  if (answer.val.tag === 'err') throw new WitError(answer.val.val);
  return new Response(guest, { of: 'server', message: answer.val.val });
}
