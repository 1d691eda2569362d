import { labelsHeader } from '../../bus/delivery.ts';
import type { Header } from '../../bus/message.ts';
import type { Decider } from '../../policy/decider.ts';
import { unheld } from '../../policy/labels.ts';

interface Labelled {
  readonly sender: string | undefined;
  readonly headers: readonly Header[];
}

const none: readonly string[] = [];

/**
 * What a message carries: the labels it was sent with, and those of its sender as it is now. Undefined while the
 * policies in force are not here.
 */
export function labelsOn({ sender, headers }: Labelled, decider: Decider): readonly string[] | undefined {
  const now = sender === undefined ? none : decider.labelsOf(sender)?.carries;
  if (headers.length === 0 || now === undefined) return now;
  const sent = headers.find(({ name }) => name === labelsHeader)?.value;
  return sent === undefined ? now : [...new Set([...now, ...sent.split(',')])];
}

/** Why what carries these labels may not come to an agent, for the operator; undefined: it may. */
export function flowFault(
  labels: readonly string[] | undefined,
  receiver: string,
  decider: Decider,
): string | undefined {
  if (labels?.length === 0) return undefined;
  const held = decider.labelsOf(receiver);
  if (labels === undefined || held === undefined) return 'the policies in force have not arrived here';
  const missing = unheld(labels, held);
  return missing.length === 0
    ? undefined
    : `it carries ${missing.join(', ')}, which ${receiver} does not hold: [labels] holds = ${JSON.stringify([...held.holds, ...missing])}`;
}
