import { HostError } from '../../errors.ts';
import { digestOf, type SignedComponent, verifyComponent } from '../../identity/component-signature.ts';
import { refusalError } from '../../identity/refusal.ts';
import type { TrustedKeys } from '../../identity/trusted-keys.ts';
import type { Manifest } from '../../manifest.ts';

export interface SupplyChainOptions {
  readonly trusted: TrustedKeys;
  /** Nothing is installed that is not signed. */
  readonly requireSigned: boolean;
  readonly nowMs: () => number;
  readonly say: (level: 'info' | 'warn', text: string, agent: string) => void;
  /** For the record. */
  readonly onRefused?: (agent: string, digest: string, why: string) => void;
}

/** What is to be installed: its bytes, and the content of the `.sig` file beside it. */
export interface Delivered {
  readonly component: Uint8Array;
  readonly signature: Uint8Array | undefined;
}

/** A component that may be installed. */
export interface Admission {
  /** `ed25519:…`; undefined: nobody signed it. */
  readonly signedBy: string | undefined;
  /** Somebody else signed the version before, or somebody did and nobody this one: to be asked about. */
  readonly newSigner: string | undefined;
}

const publisher = 'publisher/';
const futureMsMax = 60_000;

/** The party whose key an agent's components are signed with, as `host keys` lists it. */
export function componentParty(agent: string): string {
  return `component/${agent}`;
}

/**
 * Who may bring the code of agents. The first key that signs an agent's component is pinned for that agent; where
 * publishers are trusted by hand, only they may sign. A signature that does not fit is refused, whatever else is allowed.
 */
export class SupplyChain {
  readonly #options: SupplyChainOptions;

  constructor(options: SupplyChainOptions) {
    this.#options = options;
  }

  /**
   * @param accepts somebody was asked about another signer, and said yes
   * @throws HostError `HOST_ERR_IDENTITY_UNTRUSTED` for another component than the manifest pins, a signature that does
   * not fit, a key that is revoked, and, where signatures are required, for none
   */
  admit(manifest: Manifest, path: string, delivered: Delivered, accepts: boolean): Admission {
    try {
      return this.#admit(manifest, path, delivered, accepts);
    } catch (thrown) {
      if (thrown instanceof HostError)
        this.#options.onRefused?.(manifest.name, digestOf(delivered.component), thrown.message);
      throw thrown;
    }
  }

  #admit(manifest: Manifest, path: string, delivered: Delivered, accepts: boolean): Admission {
    requirePinned(manifest, path, delivered.component);
    const { signature } = delivered;
    if (signature === undefined) return this.#unsigned(manifest.name, path, accepts);
    const signed = verifyComponent(delivered.component, signature);
    if (signed.kind === 'refused') throw refusalError(signed, `${path}: the signature of its component`);
    if (signed.signedAtMs > this.#options.nowMs() + futureMsMax)
      throw untrusted(path, 'its component was signed in the future, by this clock; set the clock right', {
        signedAtMs: signed.signedAtMs,
      });
    this.#requirePublisher(signed, path);
    return this.#signed(manifest.name, path, signed, accepts);
  }

  /** @throws HostError when it may not be installed before somebody was asked; for who cannot ask */
  static requireSameSigner({ newSigner }: Admission, agent: string, path: string): void {
    if (newSigner === undefined) return;
    throw untrusted(
      path,
      `its component has another signer than the version before (${newSigner}); if that is right: ` +
        `host keys forget ${componentParty(agent)}, while the host is stopped`,
      { newSigner },
    );
  }

  #unsigned(agent: string, path: string, accepts: boolean): Admission {
    const { trusted, requireSigned, say } = this.#options;
    if (requireSigned)
      throw untrusted(
        path,
        'its component is not signed, and this host takes only signed ones; host sign FILE.wasm signs it',
      );
    const party = componentParty(agent);
    const pin = trusted.pin(party);
    if (pin !== undefined && accepts) trusted.forget(party);
    say('info', 'its component is not signed', agent);
    return { signedBy: undefined, newSigner: pin === undefined ? undefined : `${pin.key} → nobody` };
  }

  #signed(agent: string, path: string, signed: SignedComponent, accepts: boolean): Admission {
    const { trusted, say } = this.#options;
    const party = componentParty(agent);
    const before = trusted.pin(party)?.key;
    const verdict = trusted.check(party, signed.key, signed.signedAtMs);
    const signedBy = signed.keyText;
    if (verdict.kind === 'trusted') {
      if (verdict.isFirst) say('info', `its component is signed by ${signedBy}, the first to do so`, agent);
      return { signedBy, newSigner: undefined };
    }
    if (verdict.why !== 'key-substituted')
      throw refusalError(verdict, `${path}: the signer of its component`);
    if (accepts) trusted.pinByHand(party, signed.key);
    return { signedBy, newSigner: `${before} → ${signedBy}` };
  }

  #requirePublisher({ key, keyText, signedAtMs }: SignedComponent, path: string): void {
    const { trusted, requireSigned } = this.#options;
    const publishers = trusted.parties.filter((party) => party.startsWith(publisher));
    if (!requireSigned || publishers.length === 0) return;
    if (publishers.some((party) => trusted.check(party, key, signedAtMs).kind === 'trusted')) return;
    throw untrusted(
      path,
      `its component is signed by ${keyText}, and this host takes only those of ${publishers.join(', ')}; ` +
        `host keys trust publisher/NAME ${keyText} adds another`,
    );
  }
}

function requirePinned({ digest }: Manifest, path: string, component: Uint8Array): void {
  if (digest === undefined) return;
  const found = digestOf(component);
  if (found === digest) return;
  throw untrusted(
    path,
    `digest = "${digest}", and its component is ${found}; one of the two is not the right one`,
    {
      digest,
      found,
    },
  );
}

function untrusted(path: string, why: string, data: Readonly<Record<string, unknown>> = {}): HostError {
  return new HostError('HOST_ERR_IDENTITY_UNTRUSTED', `${path}: ${why}`, { path, ...data });
}
