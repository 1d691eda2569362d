// A small site under a route of the host: wasi:http, so it would run on any host that serves components.
import { utf8 } from 'motehost:agent';
import {
  Fields,
  type IncomingRequest,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from 'wasi:http/types';

const goods: Readonly<Record<string, number>> = { coffee: 320, tea: 250, cake: 410 };

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Called for each request; `out` takes the answer. */
function handle(request: IncomingRequest, out: ResponseOutparam): void {
  const [path = '/'] = (request.pathWithQuery() ?? '/').split('?');
  const { status, type, text } = pageOf(path);
  const headers = Fields.fromList([['content-type', utf8.encode(type)]]);
  const response = new OutgoingResponse(headers);
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });

  const stream = body.write();
  stream.blockingWriteAndFlush(utf8.encode(text));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

function pageOf(path: string): Page {
  const item = /^\/shop\/api\/([a-z]+)$/.exec(path)?.[1];
  if (item !== undefined && Object.hasOwn(goods, item)) return json(200, { item, cents: goods[item] });
  if (item !== undefined) return json(404, { error: `no ${item} here` });
  if (path === '/shop' || path === '/shop/') return html(200, listOf(goods));
  return html(404, '<p>Nothing here. <a href="/shop">To the shop</a></p>');
}

function listOf(items: Readonly<Record<string, number>>): string {
  const rows = Object.entries(items).map(
    ([name, cents]) => `<li><a href="/shop/api/${name}">${name}</a> ${(cents / 100).toFixed(2)}</li>`,
  );
  return `<ul>${rows.join('')}</ul>`;
}

function html(status: number, content: string): Page {
  const text = `<!doctype html><title>Shop</title><h1>Shop</h1>${content}\n`;
  return { status, type: 'text/html; charset=utf-8', text };
}

function json(status: number, value: unknown): Page {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` };
}

export const incomingHandler = { handle };
