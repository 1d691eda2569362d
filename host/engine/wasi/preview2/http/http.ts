import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostInterface } from '../../../linker.ts';
import type { WasiGrants } from '../../grants.ts';
import { IoError } from '../error.ts';
import type { Guest } from '../guest.ts';
import { offer } from '../offer.ts';
import { reachOf } from '../reach.ts';
import { HttpClient } from './client.ts';
import type { ErrorCode } from './codes.ts';
import { FutureTrailers, IncomingBody } from './incoming-body.ts';
import { madeFor, offeredFields } from './offered.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { IncomingRequest, OutgoingRequest, RequestOptions, takeRequest, takeTimeouts } from './requests.ts';
import { FutureIncomingResponse, IncomingResponse, OutgoingResponse, ResponseOutparam } from './responses.ts';

/** `wasi:http`: the types of both directions, and outgoing requests as far as the network grants reach. */
export function http(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const client = new HttpClient(guest, reachOf(guest, grants), grants);
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

/** One request on its way into a guest that serves, and where its answer goes: nothing is read before the guest does. */
export function exchange(
  guest: Guest,
  { clock }: WasiGrants,
  message: IncomingMessage,
  response: ServerResponse,
): readonly [IncomingRequest, ResponseOutparam] {
  // A body that nobody wants is read off, or the connection could not carry another request.
  const abandon = (): void => void message.resume();
  const incoming = { message, betweenBytesMs: undefined, clock, requestBytes: 0, abandon };
  return [new IncomingRequest(guest, incoming, { tag: 'HTTP' }), new ResponseOutparam(guest, response)];
}

function httpErrorCode(error: IoError): ErrorCode | undefined {
  const detail = IoError.detailOf(error);
  return detail?.of === 'http' ? detail.code : undefined;
}
