/** What a policy can speak of; each is an entity type of the schema, in the namespace `Motehost`. */
export const entityKinds = [
  'Agent',
  'Principal',
  'Group',
  'Subject',
  'Tool',
  'Host',
  'Data',
  'Secret',
  'Tier',
  'Component',
] as const;
export type EntityKind = (typeof entityKinds)[number];

/** The one namespace of every entity and action, at run time as on the command line. */
export const namespace = 'Motehost';

/** What an attribute of a context may be. */
export type ContextType = 'String' | 'Long' | 'Boolean' | 'Labels' | 'Time';

/** One thing that may be asked for. */
export interface Action {
  /** Names of the groups it is in: `action in Motehost::Action::"bus"`. */
  readonly groups: readonly string[];
  readonly principals: readonly EntityKind[];
  readonly resources: readonly EntityKind[];
  /** Attributes beside those of every context. */
  readonly context: Readonly<Record<string, ContextType>>;
}

/** Attributes of every context. `now` is the decider's own clock; without a caller an agent acts for itself. */
export const everyContext: Readonly<Record<string, ContextType>> = {
  now: 'Time',
  labels: 'Labels',
  caller: 'String',
};

const anybody: readonly EntityKind[] = ['Agent', 'Principal'];
const agents: readonly EntityKind[] = ['Agent'];
const message: Readonly<Record<string, ContextType>> = { bytes: 'Long', contentType: 'String' };

export const actionNames = [
  'agent.install',
  'agent.upgrade',
  'agent.start',
  'agent.spawn',
  'invoke',
  'bus.send',
  'bus.publish',
  'bus.subscribe',
  'http.request',
  'socket.connect',
  'file.read',
  'file.write',
  'context.read',
  'context.write',
  'secret.use',
  'tool.call',
  'resource.allocate',
  'tier.use',
  'audit.read',
] as const;
export type ActionName = (typeof actionNames)[number];

export const actions: Readonly<Record<ActionName, Action>> = {
  'agent.install': act(['lifecycle'], anybody, ['Component'], { name: 'String' }),
  'agent.upgrade': act(['lifecycle'], anybody, ['Component'], { name: 'String' }),
  'agent.start': act(['lifecycle'], anybody, agents),
  'agent.spawn': act(['lifecycle'], agents, agents),
  invoke: act([], anybody, agents, message),
  'bus.send': act(['bus'], anybody, ['Agent', 'Subject'], message),
  'bus.publish': act(['bus'], anybody, ['Subject'], message),
  'bus.subscribe': act(['bus'], anybody, ['Subject']),
  'http.request': act(['network'], agents, ['Host'], { method: 'String', path: 'String', scheme: 'String' }),
  'socket.connect': act(['network'], agents, ['Host']),
  'file.read': act(['data', 'read'], agents, ['Data']),
  'file.write': act(['data', 'write'], agents, ['Data'], { bytes: 'Long' }),
  'context.read': act(['data', 'read'], agents, ['Data']),
  'context.write': act(['data', 'write'], agents, ['Data'], { bytes: 'Long' }),
  'secret.use': act([], agents, ['Secret']),
  'tool.call': act([], agents, ['Tool'], { bytes: 'Long' }),
  'resource.allocate': act(['resource'], anybody, agents, {
    fuel: 'Long',
    memoryBytes: 'Long',
    deadlineMs: 'Long',
  }),
  'tier.use': act(['resource'], agents, ['Tier'], { risk: 'Long' }),
  'audit.read': act([], anybody, ['Agent', 'Data']),
};

function act(
  groups: readonly string[],
  principals: readonly EntityKind[],
  resources: readonly EntityKind[],
  context: Readonly<Record<string, ContextType>> = {},
): Action {
  return { groups, principals, resources, context };
}

export function isActionName(text: string): text is ActionName {
  return actionNames.some((name) => name === text);
}

/** What type a context's attribute has for an action; undefined for one it does not have. */
export function contextType(action: ActionName, name: string): ContextType | undefined {
  const own = actions[action].context;
  if (Object.hasOwn(own, name)) return own[name];
  return Object.hasOwn(everyContext, name) ? everyContext[name] : undefined;
}

/** What an attribute is that nobody said anything of; a number or a text that matters has no such value. */
export function contextDefault(name: string): string | readonly string[] | undefined {
  if (name === 'labels') return noLabels;
  return name === 'caller' || name === 'contentType' ? '' : undefined;
}

const noLabels: readonly string[] = Object.freeze([]);
