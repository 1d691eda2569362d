import { type Directory, isOnTheWay } from './directory.ts';
import type { Group, Subscription } from './subject-tree.ts';

/** Members looked at for one message; a larger group is gone through in turns. */
const candidatesMax = 8;
const congestedScore = 1_000_000;

/**
 * The member of a group that gets the next message: the one with the least to do, one of this thread before
 * one of another, and of equals the next in turn. Undefined: nobody is there.
 */
export function memberFor(
  group: Group,
  directory: Directory,
  self: number,
  isBusy: (id: number) => boolean,
): Subscription | undefined {
  const { members } = group;
  let best: Subscription | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  let candidates = 0;
  group.cursor = members.length === 0 ? 0 : (group.cursor + 1) % members.length;
  for (let step = 0; step < members.length && candidates < candidatesMax; step++) {
    const member = members[(group.cursor + step) % members.length];
    const score = member === undefined ? -1 : scoreOf(member, directory, self, isBusy);
    if (score < 0) continue;
    candidates++;
    if (score >= bestScore) continue;
    best = member;
    bestScore = score;
  }
  return best;
}

/** Below 0: not there. */
function scoreOf(
  { subscriber, thread }: Subscription,
  directory: Directory,
  self: number,
  isBusy: (id: number) => boolean,
): number {
  // A listener of the host has no mailbox.
  if (subscriber < 0) return thread === self ? 0 : 1;
  const owner = directory.ownerOf(subscriber);
  if (owner < 0 && !isOnTheWay(owner)) return -1;
  const waiting =
    2 * directory.depthOf(subscriber) + (directory.isCongested(subscriber) ? congestedScore : 0);
  return owner === self ? waiting + (isBusy(subscriber) ? 2 : 0) : waiting + 1;
}
