import type { Decision } from './decision.ts';
import { denial } from './decision.ts';

/** What an agent's manifest says of data: `[labels] holds = ["pii"]`, `carries = ["pii"]`. */
export interface AgentLabels {
  /** Labels of what it may be given. */
  readonly holds: readonly string[];
  /** Labels of all that it sends. */
  readonly carries: readonly string[];
}

const labelPattern = /^[a-z][a-z0-9-]{0,62}$/;

/** Whether a text may be a label: lower-case letters, digits and dashes, beginning with a letter; at most 63. */
export function isLabel(text: string): boolean {
  return labelPattern.test(text);
}

/** What is given to an agent may come out of it again: unless it says what it carries, that is all it holds. */
export function agentLabels(holds: readonly string[], carries: readonly string[] = holds): AgentLabels {
  return { holds, carries };
}

/** The labels of a message: those of its sender and those given to it. There is no way to take one off. */
export function carried(sender: AgentLabels, own: readonly string[] = []): readonly string[] {
  if (own.length === 0) return sender.carries;
  return [...new Set([...sender.carries, ...own])].sort();
}

/** Labels of a message that its receiver may not be given. Labels have no order among each other: each is needed. */
export function unheld(labels: readonly string[], receiver: AgentLabels): readonly string[] {
  return labels.filter((label) => !receiver.holds.includes(label));
}

/** The denial of a flow; undefined where all that a message carries may reach its receiver. */
export function flowDenial(
  labels: readonly string[],
  receiver: AgentLabels,
  version: number,
): Decision | undefined {
  const missing = unheld(labels, receiver);
  if (missing.length === 0) return undefined;
  return denial(
    `it carries ${missing.join(', ')}, which its receiver does not hold; [labels] holds = ${JSON.stringify(missing)}`,
    version,
  );
}
