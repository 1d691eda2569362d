import { dirname } from 'node:path';
import type { Spec } from '../../agent/spec.ts';
import type { SpecMaker } from '../../agent/spec-maker.ts';
import { Capabilities } from '../../capability/capabilities.ts';
import { intersect } from '../../limits.ts';
import { tighterSharing } from '../../manifest/sharing.ts';
import { defaultErrors, type Rates } from '../../manifest.ts';

/**
 * What an agent is made of that another one makes: the program and settings of the one it is like, and of its rights and
 * limits those that its maker has too. It listens to what its maker may listen to; it has no triggers and no route,
 * which are one agent's.
 */
export function childSpec(specs: SpecMaker, like: Spec, parent: Spec): Spec {
  const rights = Capabilities.of(parent.manifest.grants, parent.manifestPath);
  const { grants } = rights.delegate(like.manifest.grants, like.manifestPath);
  const secrets = new Set(grants.secrets);
  const heard = new Set(parent.manifest.subscriptions.map(({ pattern }) => pattern));
  const subscriptions = like.manifest.subscriptions.filter(
    ({ pattern }) => heard.has(pattern) || rights.maySubscribe(pattern),
  );
  const ties = (kind: 'links' | 'monitors'): readonly string[] =>
    like.manifest.supervision[kind].filter(
      (name) => parent.manifest.supervision[kind].includes(name) || rights.mayShare(kind, name),
    );
  const environment = like.manifest.grants.environment.filter(
    (one) => one.kind === 'text' || secrets.has(one.secret),
  );
  const names = new Set(environment.map(({ name }) => name));
  return specs.derive(like, {
    manifest: {
      ...like.manifest,
      // Paths are relative to a manifest: the same words in another folder are another place.
      grants: { ...grants, environment, files: isBeside(like, parent) ? grants.files : [] },
      rates: tighterRates(like.manifest.rates, parent.manifest.rates),
      sharing: tighterSharing(like.manifest.sharing, parent.manifest.sharing),
      subscriptions,
      supervision: { ...like.manifest.supervision, links: ties('links'), monitors: ties('monitors') },
      triggers: [],
      route: undefined,
      // Its messages would go where its maker may not send.
      errors: namesOthers(like)
        ? { ...defaultErrors, state: like.manifest.errors.state }
        : like.manifest.errors,
    },
    limits: intersect(like.limits, parent.limits),
    environment: like.environment.filter(([name]) => names.has(name)),
    ...(parent.startedBy !== undefined && { startedBy: parent.startedBy }),
  });
}

function isBeside(one: Spec, other: Spec): boolean {
  return dirname(one.manifestPath) === dirname(other.manifestPath);
}

function namesOthers({ manifest: { errors } }: Spec): boolean {
  return Object.values(errors.steps)
    .flat()
    .some(({ kind }) => kind === 'failover');
}

function tighterRates(one: Rates, other: Rates): Rates {
  return {
    messagesPerSecond: Math.min(one.messagesPerSecond, other.messagesPerSecond),
    messageBurst: Math.min(one.messageBurst, other.messageBurst),
    messageBytesMax: Math.min(one.messageBytesMax, other.messageBytesMax),
  };
}
