import type {
  AgentDetail,
  AgentProfile,
  AgentScheduling,
  AgentState,
  AgentSummary,
  AgentTrigger,
  Difference,
  LifecycleState,
} from '../../host/serving.ts';
import { count, listOf, number, objectOf, oneOf, type Schema, text } from '../schema.ts';

const states: { readonly [state in AgentState]: true } = {
  ready: true,
  starting: true,
  idle: true,
  running: true,
  waiting: true,
  hibernated: true,
  cold: true,
  held: true,
  paused: true,
  stopped: true,
  failed: true,
};

export const agentStates: readonly string[] = Object.keys(states);

const lives: { readonly [state in LifecycleState]: true } = {
  created: true,
  initializing: true,
  ready: true,
  running: true,
  waiting: true,
  suspended: true,
  completed: true,
  failed: true,
  terminating: true,
  terminated: true,
  unreachable: true,
};

export const lifecycleStates: readonly string[] = Object.keys(lives);

const summaryProperties = {
  name: text(),
  state: oneOf(...agentStates),
  lifecycle: oneOf(...lifecycleStates),
  digest: text('SHA-256 of the component, hex.'),
  world: text(),
  thread: count('Where it lives; of a parallel agent its first instance.'),
  threads: listOf(count(), 'Where its instances live.'),
  instances: count('More than 1 for a parallel agent.'),
  mailboxDepth: count('Messages waiting.'),
  handled: count('Messages dealt with since the host started.'),
  failed: count(),
  memoryBytes: count('As of its last message.'),
  fuel: count('Since the host started.'),
  route: text('Where `wasi:http` requests for it come in.'),
  parent: text('The agent that made it; missing: it was installed, or its maker is no more.'),
  profile: objectOf<AgentProfile>('AgentProfile', {
    executionMs: number('Milliseconds it computes for a message: a moving average, as are the others.'),
    messagesPerSecond: number('As of late.'),
    cpuIntensity: number('Share of a message’s time in which it computes, 0 to 1.'),
    kind: oneOf('computing', 'mixed', 'waiting'),
  }),
  scheduling: objectOf<AgentScheduling>(
    'AgentScheduling',
    {
      level: oneOf('realtime', 'critical', 'high', 'normal', 'low', 'batch'),
      weight: number('Its share against others of its level.'),
      turns: count('Messages, and slices of them, since its thread began.'),
      share: number('What it computes as of late, 0 to 1 of one core.'),
      waitMs: number('Milliseconds it waited for its turns, on average as of late. Missing: nobody looked.'),
    },
    ['waitMs'],
  ),
};

export const agentSummary: Schema = objectOf<AgentSummary>('AgentSummary', summaryProperties, [
  'route',
  'parent',
]);

const detailProperties = {
  ...summaryProperties,
  children: listOf(text(), 'The agents that it made, by name.'),
  manifestPath: text('Missing for one installed over HTTP.'),
  manifest: text(),
  imports: listOf(text()),
  installedAtMs: number('Milliseconds since 1970.'),
  signedBy: text('Who signed its component; missing: nobody.'),
  earlier: listOf(text(), 'Digests of the versions before, newest first.'),
  subscriptions: listOf(
    objectOf<AgentDetail['subscriptions'][number]>('Subscription', { pattern: text(), group: text() }, [
      'group',
    ]),
  ),
  triggers: listOf(
    objectOf<AgentTrigger>(
      'Trigger',
      {
        name: text('The message’s subject is `trigger.NAME`.'),
        cron: text(),
        zone: text('The time zone of `cron`; UTC without it.'),
        everyMs: count('Milliseconds from one to the next.'),
        atMs: number('Once, in milliseconds since 1970.'),
        subject: text('A pattern: a message of such a subject sets it off.'),
        nextMs: number('When it comes next, in milliseconds since 1970.'),
      },
      ['cron', 'zone', 'everyMs', 'atMs', 'subject', 'nextMs'],
    ),
  ),
  underWayMs: number(
    'Milliseconds since its message under way began, whose fuel is in `fuel` as far as it is used. Missing: there is none.',
  ),
  lastError: text(),
  losses: count('Instances it lost since the host started.'),
  circuit: oneOf('closed', 'open', 'half-open'),
  isReady: { type: 'boolean', description: 'Missing: nobody asks it.' },
};

const mayMiss: readonly (keyof AgentDetail)[] = [
  'route',
  'parent',
  'manifestPath',
  'signedBy',
  'underWayMs',
  'lastError',
  'circuit',
  'isReady',
];

export const agentDetail: Schema = objectOf<AgentDetail>('AgentDetail', detailProperties, mayMiss);

/** An agent, and what came of installing it. */
export type InstalledAgent = AgentDetail & { readonly change: 'installed' | 'upgraded' | 'unchanged' };

export const installedAgent: Schema = objectOf<InstalledAgent>(
  'InstalledAgent',
  { ...detailProperties, change: oneOf('installed', 'upgraded', 'unchanged') },
  mayMiss,
);

export const difference: Schema = objectOf<Difference>(
  'Difference',
  {
    fromDigest: text(),
    toDigest: text(),
    newImports: listOf(text()),
    droppedImports: listOf(text()),
    newGrants: listOf(text(), 'Manifest lines.'),
    droppedGrants: listOf(text()),
    newSigner: text('Somebody else signed it than the version before: who, and who now.'),
  },
  ['newSigner'],
);
