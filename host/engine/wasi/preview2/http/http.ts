import type { HostInterface, HostResource } from '../../../linker.ts';
import type { WasiGrants } from '../../grants.ts';
import { IoError } from '../error.ts';
import type { Guest } from '../guest.ts';
import { offer } from '../offer.ts';
import { reachOf } from '../reach.ts';
import { HttpClient } from './client.ts';
import type { ErrorCode } from './codes.ts';
import { type FieldLine, Fields } from './fields.ts';
import { FutureTrailers, IncomingBody } from './incoming-body.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { IncomingRequest, OutgoingRequest, RequestOptions, takeRequest, takeTimeouts } from './requests.ts';
import { FutureIncomingResponse, IncomingResponse, OutgoingResponse, ResponseOutparam } from './responses.ts';

/** `wasi:http`: the types of both directions, and outgoing requests as far as the network grants reach. */
export function http(guest: Guest, { net, clock }: WasiGrants): [string, HostInterface][] {
  const client = new HttpClient(guest, reachOf(guest, net), clock);
  const OfferedFields = offeredFields(guest);
  return [
    offer('wasi:http/types', {
      Fields: OfferedFields,
      Headers: OfferedFields,
      Trailers: OfferedFields,
      FutureIncomingResponse,
      FutureTrailers,
      IncomingBody,
      IncomingRequest,
      IncomingResponse,
      OutgoingBody,
      OutgoingRequest: madeFor(guest, OutgoingRequest),
      OutgoingResponse: madeFor(guest, OutgoingResponse),
      RequestOptions: madeFor(guest, RequestOptions),
      ResponseOutparam,
      httpErrorCode,
    }),
    offer('wasi:http/outgoing-handler', {
      handle: (request: OutgoingRequest, options: RequestOptions | undefined) =>
        client.send(takeRequest(request), takeTimeouts(options)),
    }),
  ];
}

function httpErrorCode(error: IoError): ErrorCode | undefined {
  const detail = IoError.detailOf(error);
  return detail?.of === 'http' ? detail.code : undefined;
}

/** The class as the guest constructs it: what it makes belongs to this guest. A proxy is the same class to `instanceof`. */
function madeFor<Args extends unknown[]>(
  guest: Guest,
  Resource: new (guest: Guest, ...args: Args) => object,
): HostResource {
  return new Proxy(Resource, { construct: (_target, args: Args) => new Resource(guest, ...args) });
}

function offeredFields(guest: Guest): HostResource {
  return new Proxy(Fields, {
    construct: () => new Fields(guest, [], true),
    get: (target, key) =>
      key === 'fromList'
        ? (entries: readonly FieldLine[]) => Fields.checked(guest, entries)
        : Reflect.get(target, key),
  });
}
