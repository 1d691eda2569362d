import type { Route } from './route.ts';
import { agentReinRoutes } from './routes/agent-reins.ts';
import { agentTieRoutes } from './routes/agent-ties.ts';
import { agentRoutes } from './routes/agents.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { docsRoutes } from './routes/docs.ts';
import { healthRoutes } from './routes/health.ts';
import { invokeRoutes } from './routes/invoke.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/logs.ts';
import { messageRoutes } from './routes/messages.ts';
import { sendRoutes } from './routes/send.ts';
import { statusRoutes } from './routes/status.ts';
import { subscribeRoutes } from './routes/subscribe.ts';
import { supervisorRoutes } from './routes/supervisors.ts';

/** Every operation of the API, in the order in which the document shows them. */
export const routeTable: readonly Route[] = [
  ...invokeRoutes,
  ...sendRoutes,
  ...subscribeRoutes,
  ...agentRoutes,
  ...agentReinRoutes,
  ...agentTieRoutes,
  ...supervisorRoutes,
  ...logRoutes,
  ...deadLetterRoutes,
  ...messageRoutes,
  ...approvalRoutes,
  ...auditRoutes,
  ...keyRoutes,
  ...statusRoutes,
  ...healthRoutes,
  ...docsRoutes,
];

interface Shape {
  readonly method: string;
  readonly pattern: RegExp;
}

const shapes: readonly Shape[] = routeTable.map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
}));

/** What may be done with a path: empty for one that is nobody's. */
export function methodsOf(path: string): readonly string[] {
  const methods = shapes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  if (methods.length === 0) return [];
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])];
}
