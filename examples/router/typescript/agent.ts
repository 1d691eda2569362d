import { Failure, type Message, reply, utf8 } from 'motehost:agent';
import type { Action, Found, Param, Request, RouteError } from 'example:router/routing';

/** A pattern's segments beside the path's: the parameters if they match. */
function match(pattern: string, path: string): Param[] | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const params: Param[] = [];
  for (const [index, segment] of wanted.entries()) {
    const rest = given.slice(index);
    if (rest.length === 0) return undefined;
    if (segment === '*') return [...params, { name: '*', value: rest.join('/') }];
    const value = given[index] ?? '';
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined;
    } else if (value === '') return undefined;
    else params.push({ name: segment.slice(1), value });
  }
  return given.length === wanted.length ? params : undefined;
}

function complaint(pattern: string): string | undefined {
  const segments = pattern.split('/');
  if (!pattern.startsWith('/')) return 'a pattern begins with /';
  if (segments.slice(0, -1).includes('*')) return '* must come last';
  if (segments.includes(':')) return 'a parameter needs a name';
  return undefined;
}

class Router {
  #routes: { verb: string; pattern: string; action: Action }[] = [];
  #hits = 0n;
  #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  name(): string {
    return this.#name;
  }

  add(verb: string, pattern: string, action: Action): number {
    const wrong = complaint(pattern);
    if (wrong !== undefined) throw { tag: 'bad-pattern', val: wrong } satisfies RouteError;
    return this.#routes.push({ verb, pattern, action });
  }

  route({ verb, path }: Request): Found {
    const matching = this.#routes.flatMap((route) => {
      const params = match(route.pattern, path);
      return params === undefined ? [] : [{ ...route, params }];
    });
    const found = matching.find((route) => route.verb === verb);
    if (found !== undefined) {
      this.#hits += 1n;
      return { pattern: found.pattern, params: found.params, action: found.action };
    }
    if (matching.length === 0) throw { tag: 'not-found' } satisfies RouteError;
    const verbs = [...new Set(matching.map((route) => route.verb))];
    throw { tag: 'verb-not-allowed', val: verbs } satisfies RouteError;
  }

  patterns(): string[] {
    return this.#routes.map(({ pattern }) => pattern);
  }

  hits(): bigint {
    return this.#hits;
  }
}

export const routing = { Router };

const router = new Router('example');
router.add('GET', '/hello/:name', { tag: 'reply', val: 'Hello, {name}!' });
router.add('GET', '/old/*', { tag: 'redirect', val: '/new' });
router.add('POST', '/orders', { tag: 'forward', val: { agent: 'orders', timeoutMs: 500 } });
router.add('GET', '/admin/*', { tag: 'deny' });

export function handle(message: Message): Uint8Array {
  const [verb, path, ...more] = utf8.decode(message.body).trim().split(/\s+/);
  if (!verb || !path || more.length > 0) throw Failure.invalid('VERB PATH, please');
  return reply(answer(find(verb, path)));
}

function find(verb: string, path: string): Found {
  try {
    return router.route({ verb, path, body: undefined });
  } catch (thrown) {
    const error = thrown as RouteError;
    if (error.tag === 'verb-not-allowed') throw Failure.unsupported(`use ${error.val.join(', ')}`);
    throw Failure.invalid(`no route for ${path}`);
  }
}

function answer({ action, params }: Found): string {
  switch (action.tag) {
    case 'reply':
      return params.reduce((text, { name, value }) => text.replaceAll(`{${name}}`, () => value), action.val);
    case 'redirect':
      return `-> ${action.val}`;
    case 'forward':
      return `=> ${action.val.agent} (${action.val.timeoutMs} ms)`;
    case 'deny':
      throw Failure.denied('no way');
  }
}
