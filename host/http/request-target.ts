import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

const absoluteForm = /^https?:\/\/([^/?#\s]*)([^\s]*)$/i;

/**
 * Turns the absolute form of what is asked for (`GET http://here:8080/v1/agents`, as clients that think they talk to a
 * proxy write it) into the path every route knows (RFC 9112, 3.2.2). An authority that is not the Host header's is
 * refused: who decides by the one and who decides by the other would see two requests.
 */
export function originForm(request: IncomingMessage): Problem | undefined {
  const { url = '/' } = request;
  if (url.startsWith('/')) return undefined;
  const match = absoluteForm.exec(url);
  if (match === null) return undefined;
  const [, authority = '', rest = ''] = match;
  if (authority.toLowerCase() !== request.headers.host?.toLowerCase())
    return new Problem(
      400,
      'malformed-request',
      `the request is for '${authority.slice(0, 200)}', and its Host header names another`,
    );
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}
