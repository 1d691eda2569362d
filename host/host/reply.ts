import { type OpenCircuit, openCircuitOf, openCircuitText } from '../agent/circuit-refusal.ts';
import type { Bus } from '../bus/bus.ts';
import type { Accepted as BusAccepted, Reply as BusReply, Sender } from '../bus/delivery.ts';
import type { BusError, Payload } from '../bus/message.ts';
import { HostError } from '../errors.ts';
import { agentSubject } from '../subject.ts';
import type { MessageIds } from './message-ids.ts';
import type { Accepted, InvokeOptions, Principal, Reply } from './serving.ts';

/** Somebody outside, on whose behalf the bus is asked. */
export function senderOf({ name }: Principal): Sender {
  return { id: 0, name: undefined, principal: name };
}

/** Asks on behalf of somebody outside, and waits. @throws HostError `HOST_ERR_SUBJECT_INVALID` */
export async function askOutside(
  bus: Bus,
  ids: MessageIds,
  to: string,
  payload: Payload,
  { principal, deadlineMs, signal, subject, priority, messageId = ids.next() }: InvokeOptions,
): Promise<Reply> {
  const waits = { timeoutMs: deadlineMs ?? 0, signal, id: messageId, subject, priority };
  const reply = replyOf(await bus.request(senderOf(principal), to, payload, waits), messageId, deadlineMs);
  const isLate = reply.kind === 'refused' && reply.reason === 'timed-out';
  return isLate ? { ...reply, ...pausedWords(bus, to) } : reply;
}

const agentPrefix = agentSubject('');

/** What has an asker wait in vain. */
function pausedWords({ directory }: Bus, to: string): { readonly why?: string } {
  const name = to.startsWith(agentPrefix) ? to.slice(agentPrefix.length) : '';
  const id = directory.find(name);
  if (id === 0 || !directory.isPaused(id)) return {};
  return { why: `${name} is paused; host agents resume ${name} lets it go on` };
}

/** How a request from outside ended. @throws HostError `HOST_ERR_SUBJECT_INVALID` */
function replyOf(reply: BusReply, id: string, deadlineMs: number | undefined): Reply {
  if (!('error' in reply)) {
    const circuit = openCircuitOf(reply.outcome);
    if (circuit !== undefined) return turnedAway(circuit);
    return { kind: 'answered', id, outcome: reply.outcome, contentType: reply.contentType };
  }
  const { error } = reply;
  const retryAfterMs = error.tag === 'full' || error.tag === 'rate-limited' ? error.val : undefined;
  const refused = { kind: 'refused', reason: refusalOf(error), retryAfterMs } as const;
  if (error.tag === 'too-late') return { ...refused, ...error.val };
  return error.tag === 'timed-out' ? { ...refused, deadlineMs } : refused;
}

function turnedAway(circuit: OpenCircuit): Reply {
  const { retryAfterMs } = circuit;
  return { kind: 'refused', reason: 'circuit-open', retryAfterMs, why: openCircuitText(circuit), circuit };
}

function refusalOf(error: BusError): Extract<Reply, { kind: 'refused' }>['reason'] {
  switch (error.tag) {
    case 'full':
    case 'rate-limited':
    case 'too-large':
    case 'timed-out':
    case 'cancelled':
    case 'no-responders':
    case 'too-late':
      return error.tag;
    case 'invalid-subject':
      throw new HostError('HOST_ERR_SUBJECT_INVALID', error.val);
    default:
      return 'unavailable';
  }
}

/** A message from outside that the bus took. @throws HostError for what it refused */
export function acceptedOf(result: BusAccepted | BusError): Accepted {
  if (!('tag' in result)) return { id: result.id, receivers: result.receivers };
  switch (result.tag) {
    case 'full':
      throw new HostError('HOST_ERR_MAILBOX_FULL', `the mailbox is full; try again in ${result.val} ms`, {
        retryAfterMs: result.val,
      });
    case 'too-large':
      throw new HostError(
        'HOST_ERR_MESSAGE_TOO_LARGE',
        `headers and body may have ${result.val} bytes together`,
        {
          bytesMax: Number(result.val),
        },
      );
    case 'invalid-subject':
    case 'unsupported':
      throw new HostError('HOST_ERR_SUBJECT_INVALID', result.val);
    default:
      throw new HostError('HOST_ERR_AGENT_STOPPED', 'nobody takes the message now; try again later');
  }
}
