import { type Level, rankOfLevel } from '../manifest/scheduling.ts';
import { nobody } from './access.ts';
import type { Asked } from './exchange.ts';
import type { Caller, Front } from './front.ts';
import { Problem, problemOf } from './problem.ts';
import type { Ended, Route } from './route.ts';

/** The problem of a request whose token does not allow the route; undefined when it does. */
export function missingRight(
  exchange: Asked,
  { needs }: Route,
  params: Readonly<Record<string, string>>,
): Problem | undefined {
  if (needs === undefined) return undefined;
  if (needs.checked !== undefined && exchange.access !== nobody) return undefined;
  const target = needs.target === undefined ? needs.fixed : params[needs.target];
  if (exchange.access.may(needs.verb, target)) return undefined;
  return forbidden(exchange, needs.verb, target);
}

export function forbidden(exchange: Asked, verb: string, target: string | undefined): Problem {
  // Only a path spelt in a way that passed by the gate comes here without anybody.
  if (exchange.access === nobody) return new Problem(401, 'unauthorized', 'spell the path without escapes');
  const right = target === undefined ? verb : `${verb}:${target}`;
  return new Problem(403, 'forbidden', `the token may not '${right}': make one with that capability`, {
    data: { needs: right },
  });
}

const ordinary = rankOfLevel('normal');

/** The problem of a message that is to be handled at a level which its token does not allow. */
export function priorityFault(exchange: Asked, level: Level | undefined): Problem | undefined {
  if (level === undefined || rankOfLevel(level) >= ordinary) return undefined;
  return exchange.access.may('priority', level) ? undefined : forbidden(exchange, 'priority', level);
}

/** Does what a route does and answers whatever comes of it. Never rejects. */
export async function finish(front: Front, exchange: Asked, run: () => Ended): Promise<void> {
  try {
    const problem = await run();
    if (problem !== undefined) front.answers.problem(exchange, problem);
  } catch (error) {
    fail(front, exchange, error);
  }
}

/** Answers what was thrown: a refusal as what it is, a fault of ours as 500 without its inside. */
export function fail(front: Front<Caller>, exchange: Asked, error: unknown): void {
  const problem = problemOf(error);
  if (problem !== undefined) {
    front.answers.problem(exchange, problem);
    return;
  }
  front.report({ requestId: exchange.id, route: exchange.meter?.route ?? 'unknown', error });
  front.answers.problem(
    exchange,
    new Problem(500, 'internal', `a fault of the host; its log has more under request ${exchange.id}`),
  );
}
