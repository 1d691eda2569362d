import { isSubject, reservedToken, tokenEnd } from '../subject.ts';

/** One pattern of one subscriber. */
export interface Subscription {
  /** Unique over all threads. */
  readonly id: number;
  /** An agent's id; below zero a listener of the host. */
  readonly subscriber: number;
  readonly name: string;
  readonly pattern: string;
  readonly group: string | undefined;
  readonly thread: number;
}

/** Subscriptions that share messages: each goes to one of them. */
export interface Group {
  readonly members: Subscription[];
  /** Where the search for the next member begins. */
  cursor: number;
}

/** Who gets a message of one subject. */
export interface Matches {
  readonly generation: number;
  /** One for each subscriber without a group. */
  readonly each: readonly Subscription[];
  readonly groups: readonly Group[];
}

interface Place {
  readonly each: Subscription[];
  readonly groups: Map<string, Group>;
}

interface Branch {
  /** The only token that goes on from here, and where it leads; several are in `tokens`. */
  token: string;
  only: Branch | undefined;
  tokens: Map<string, Branch> | undefined;
  star: Branch | undefined;
  /** Subscriptions whose pattern ends here. */
  here: Place | undefined;
  /** Subscriptions whose pattern goes on with `>`. */
  beyond: Place | undefined;
}

const subjectsMax = 8192;

/**
 * Who subscribed to what. A subject seen before costs one look into a map until somebody subscribes or ends
 * a subscription; at most twice `subjectsMax` subjects are remembered.
 */
export class SubjectTree {
  readonly #root: Branch = newBranch();
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #bySubscriber = new Map<number, Subscription[]>();
  #generation = 1;
  #recent = new Map<string, Matches>();
  #older = new Map<string, Matches>();

  get size(): number {
    return this.#subscriptions.size;
  }

  get(id: number): Subscription | undefined {
    return this.#subscriptions.get(id);
  }

  /** All there are, in the order they came. */
  all(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  /** What one subscriber subscribed to. */
  of(subscriber: number): readonly Subscription[] {
    return this.#bySubscriber.get(subscriber) ?? none;
  }

  /** The pattern has to be one. Adding an id again changes nothing. */
  add(subscription: Subscription): void {
    if (this.#subscriptions.has(subscription.id)) return;
    this.#subscriptions.set(subscription.id, subscription);
    const own = this.#bySubscriber.get(subscription.subscriber);
    if (own === undefined) this.#bySubscriber.set(subscription.subscriber, [subscription]);
    else own.push(subscription);
    this.#generation++;
    const place = placeOf(this.#root, subscription.pattern);
    if (subscription.group === undefined) place.each.push(subscription);
    else {
      const group = place.groups.get(subscription.group);
      if (group === undefined) place.groups.set(subscription.group, { members: [subscription], cursor: 0 });
      else group.members.push(subscription);
    }
  }

  /** Returns what was removed, if it was there. */
  remove(id: number): Subscription | undefined {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return undefined;
    this.#subscriptions.delete(id);
    const own = this.#bySubscriber.get(subscription.subscriber) ?? [];
    removeFrom(own, id);
    if (own.length === 0) this.#bySubscriber.delete(subscription.subscriber);
    this.#generation++;
    prune(this.#root, subscription, 0);
    return subscription;
  }

  /** Whether any pattern begins with this token itself, and not with a wildcard. */
  names(token: string): boolean {
    const { tokens, only } = this.#root;
    return tokens === undefined ? only !== undefined && this.#root.token === token : tokens.has(token);
  }

  /** Undefined: this is no subject. */
  match(subject: string): Matches | undefined {
    const known = this.#recent.get(subject);
    if (known !== undefined && known.generation === this.#generation) return known;
    return this.#matchAnew(subject, known ?? this.#older.get(subject));
  }

  /** `known`: what it matched once, so it is a subject. */
  #matchAnew(subject: string, known: Matches | undefined): Matches | undefined {
    if (known === undefined && !isSubject(subject)) return undefined;
    const isFresh = known !== undefined && known.generation === this.#generation;
    const matches = isFresh ? known : this.#search(subject);
    if (this.#recent.size >= subjectsMax) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(subject, matches);
    return matches;
  }

  #search(subject: string): Matches {
    const generation = this.#generation;
    const found: Place[] = [];
    collect(reservedToken(subject) === undefined ? this.#root : named(this.#root), subject, 0, found);
    const first = found[0];
    if (first === undefined) return { generation, each: none, groups: none };
    const isAlone = found.length === 1;
    const each = oncePerSubscriber(isAlone ? first.each : found.flatMap((place) => place.each));
    const groups = isAlone ? groupsOf(first) : mergedGroups(found);
    return { generation, each, groups: groupsBeside(groups, each) };
  }
}

const none: readonly never[] = [];

function newBranch(): Branch {
  return {
    token: '',
    only: undefined,
    tokens: undefined,
    star: undefined,
    here: undefined,
    beyond: undefined,
  };
}

/** Without wildcards for the first token: who wants what is reserved has to say so. */
function named(root: Branch): Branch {
  return { ...root, star: undefined, beyond: undefined };
}

function newPlace(): Place {
  return { each: [], groups: new Map() };
}

function placeOf(root: Branch, pattern: string): Place {
  let branch = root;
  for (let at = 0; at <= pattern.length; ) {
    const end = tokenEnd(pattern, at);
    const token = pattern.slice(at, end);
    if (token === '>') {
      branch.beyond ??= newPlace();
      return branch.beyond;
    }
    branch = childOf(branch, token);
    at = end + 1;
  }
  branch.here ??= newPlace();
  return branch.here;
}

function childOf(branch: Branch, token: string): Branch {
  if (token === '*') {
    branch.star ??= newBranch();
    return branch.star;
  }
  const known = branch.token === token ? branch.only : branch.tokens?.get(token);
  if (known !== undefined) return known;
  const made = newBranch();
  if (branch.tokens !== undefined) branch.tokens.set(token, made);
  else if (branch.only === undefined) setOnly(branch, token, made);
  else {
    branch.tokens = new Map([
      [branch.token, branch.only],
      [token, made],
    ]);
    setOnly(branch, '', undefined);
  }
  return made;
}

function setOnly(branch: Branch, token: string, only: Branch | undefined): void {
  branch.token = token;
  branch.only = only;
}

function removeChild(branch: Branch, token: string): void {
  if (branch.token === token) setOnly(branch, '', undefined);
  branch.tokens?.delete(token);
  if (branch.tokens?.size === 0) branch.tokens = undefined;
}

/** A subject has at most 256 characters, so the depth is bounded. */
function collect(branch: Branch, subject: string, from: number, found: Place[]): void {
  if (from > subject.length) {
    if (branch.here !== undefined) found.push(branch.here);
    return;
  }
  if (branch.beyond !== undefined) found.push(branch.beyond);
  const { token, only, tokens, star } = branch;
  if (only === undefined && tokens === undefined && star === undefined) return;
  const end = tokenEnd(subject, from);
  if (tokens !== undefined) {
    const child = tokens.get(subject.slice(from, end));
    if (child !== undefined) collect(child, subject, end + 1, found);
  } else if (only !== undefined && end - from === token.length && subject.startsWith(token, from))
    collect(only, subject, end + 1, found);
  if (star !== undefined) collect(star, subject, end + 1, found);
}

/** Takes a subscription out and every branch that leads nowhere then. Returns whether this one does not. */
function prune(branch: Branch, subscription: Subscription, from: number): boolean {
  const { pattern } = subscription;
  if (from > pattern.length) {
    if (branch.here !== undefined && takeOut(branch.here, subscription)) branch.here = undefined;
    return isBare(branch);
  }
  const end = tokenEnd(pattern, from);
  const token = pattern.slice(from, end);
  if (token === '>') {
    if (branch.beyond !== undefined && takeOut(branch.beyond, subscription)) branch.beyond = undefined;
  } else if (token === '*') {
    if (branch.star !== undefined && prune(branch.star, subscription, end + 1)) branch.star = undefined;
  } else {
    const child = branch.token === token ? branch.only : branch.tokens?.get(token);
    if (child !== undefined && prune(child, subscription, end + 1)) removeChild(branch, token);
  }
  return isBare(branch);
}

function takeOut(place: Place, { id, group }: Subscription): boolean {
  if (group === undefined) removeFrom(place.each, id);
  else {
    const members = place.groups.get(group)?.members ?? [];
    removeFrom(members, id);
    if (members.length === 0) place.groups.delete(group);
  }
  return place.each.length === 0 && place.groups.size === 0;
}

function removeFrom(list: Subscription[], id: number): void {
  const at = list.findIndex((one) => one.id === id);
  if (at !== -1) list.splice(at, 1);
}

function isBare({ only, tokens, star, here, beyond }: Branch): boolean {
  return (
    only === undefined &&
    tokens === undefined &&
    star === undefined &&
    here === undefined &&
    beyond === undefined
  );
}

/** Whoever subscribed to two patterns of one subject gets one copy. Copies the list: the tree's own changes. */
function oncePerSubscriber(all: readonly Subscription[]): readonly Subscription[] {
  if (all.length <= 1) return all.length === 0 ? none : [...all];
  const seen = new Map<number, Subscription>();
  for (const one of all) if (!seen.has(one.subscriber)) seen.set(one.subscriber, one);
  return [...seen.values()];
}

function groupsOf({ groups }: Place): readonly Group[] {
  return groups.size === 0 ? none : [...groups.values()];
}

/** A group of which a member gets the message anyway has had its copy. */
function groupsBeside(groups: readonly Group[], each: readonly Subscription[]): readonly Group[] {
  if (groups.length === 0 || each.length === 0) return groups;
  const served = new Set(each.map(({ subscriber }) => subscriber));
  return groups.filter(({ members }) => !members.some(({ subscriber }) => served.has(subscriber)));
}

/** A group is a name: its members may have subscribed to different patterns. */
function mergedGroups(places: readonly Place[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const place of places) {
    for (const [name, group] of place.groups) {
      const known = groups.get(name);
      groups.set(
        name,
        known === undefined ? group : { members: [...known.members, ...group.members], cursor: 0 },
      );
    }
  }
  return [...groups.values()];
}
