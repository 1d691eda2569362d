import type { ReceiverTerms } from '../bus/delivery.ts';
import { levelOfScheduling, rankOfLevel } from '../manifest/scheduling.ts';
import type { Manifest } from '../manifest.ts';
import { deliveriesMax } from './error-strategy.ts';
import type { Spec } from './spec.ts';

const known = new WeakMap<Manifest, ReceiverTerms>();

/** What the bus has to know of a spec's agents; one object for all of them. */
export function termsOf({ manifest }: Spec): ReceiverTerms {
  let terms = known.get(manifest);
  if (terms === undefined) {
    const { mailbox, delivery, rates, errors, scheduling } = manifest;
    terms = {
      mailbox,
      redelivery: { ...delivery, deliveriesMax: deliveriesMax(errors, delivery.attemptsMax) },
      rate: { perSecond: rates.messagesPerSecond, burst: rates.messageBurst },
      messageBytesMax: rates.messageBytesMax,
      level: rankOfLevel(levelOfScheduling(scheduling)),
    };
    known.set(manifest, terms);
  }
  return terms;
}
