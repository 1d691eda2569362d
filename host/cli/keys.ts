import { join } from 'node:path';
import { systemClock, systemRandom } from '../clock.ts';
import { HostError } from '../errors.ts';
import { recordPin } from '../host/record/key-record.ts';
import { StateLock } from '../host/state/state-lock.ts';
import { HostKeys } from '../host/trust/host-keys.ts';
import { Trust } from '../host/trust/trust.ts';
import type { KeyOwner } from '../identity/host-secret.ts';
import { writeHostSecret } from '../identity/key-file.ts';
import type { RevocationReason } from '../identity/key-statement.ts';
import type { Keyring } from '../identity/keyring.ts';
import { passphraseFrom } from '../identity/passphrase.ts';
import { parseKey } from '../identity/public-key.ts';
import { isAgentName } from '../manifest.ts';
import { formatTable } from './client/table.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { hostKeyOf } from './keys/host-key.ts';
import { requireKnown } from './keys/known-owner.ts';
import { stateFolderOf } from './serve/state-folder.ts';
import { parseWords, requireWords } from './words.ts';

const options = {
  state: { type: 'string' },
  reason: { type: 'string' },
  generation: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const usage = 'see host keys --help';
const reasons: readonly RevocationReason[] = ['compromised', 'superseded', 'retired'];

export const command: Command = {
  summary: 'show, rotate, revoke and trust keys',
  help: `host keys: the keys of a host and its agents, and whose keys it trusts

Usage: host keys show [host|AGENT]                  the public key
       host keys list [--json]                      own keys, whose are pinned, and which are revoked
       host keys rotate host|AGENT                  the next generation signs from now on
       host keys revoke host|AGENT [--generation N] an own key is not to be trusted any more
       host keys revoke ed25519:…                   somebody else's
       host keys trust PARTY ed25519:…              pins a key by hand: publisher/acme, component/billing
       host keys forget PARTY                       the next key it shows is its first
       host keys passphrase                         seals host.key under MOTEHOST_KEY_PASSPHRASE_NEW; empty: opens it

  host keys trust publisher/acme ed25519:YkQ…
  host keys revoke ed25519:YkQ… --reason compromised

  --reason WHY            compromised (nothing it ever signed counts), superseded, retired   [compromised]
  --state FOLDER          the state folder of the host                    [.motehost, or HOST_STATE]

All but show need the host to be stopped (one that serves lists them by GET /v1/keys, rotates and revokes by POST), and
changes are put on its audit chain. AGENT is one that the state folder knows. MOTEHOST_KEY_PASSPHRASE opens a sealed
host.key. Whoever knew the old public key of a host follows a rotation; host.pub has the new one: keep the first.
`,
  endsProcess: true,
  run: async (args) => {
    const { values, positionals } = parseWords('keys', args, options);
    const [action, one, other] = positionals;
    const folder = stateFolderOf(values.state, process.env);
    if (action === 'show') {
      requireWords(positionals, 2, usage);
      const keyring = hostKeyOf(values.state, process.env);
      return print(`${keyring.key(await knownOwner(one ?? 'host', keyring, folder)).text}\n`);
    }
    const reason = reasonOf(values.reason ?? 'compromised');
    const cure = lockedCure(action, one);
    if (action === 'list') return change(folder, cure, (trust) => list(trust, folder, values.json === true));
    if (action === 'passphrase') return change(folder, cure, (trust) => reseal(trust, folder));
    if (one === undefined) throw new HostError('HOST_ERR_CLI_USAGE', `whose key? ${usage}`);
    if (action === 'rotate') return change(folder, cure, (trust) => rotate(trust, folder, one));
    if (action === 'revoke')
      return change(folder, cure, (trust) => revoke(trust, folder, one, values.generation, reason));
    if (action === 'forget') return change(folder, cure, (trust) => forget(trust, one));
    if (action === 'trust' && other !== undefined)
      return change(folder, cure, (trust) => pin(trust, one, other));
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `show, list, rotate, revoke, trust, forget or passphrase? ${usage}`,
    );
  },
};

/** What does the same to a host that serves. */
function lockedCure(action: string | undefined, whose: string | undefined): string {
  if (action === 'list') return 'stop it, or ask it: GET /v1/keys';
  const owner = whose?.replace(/^agent\//, '');
  if (action === 'rotate') return `stop it, or ask it: POST /v1/keys/${owner}/rotate`;
  if (action !== 'revoke') return 'stop it first';
  const path = parseKey(whose ?? '') === undefined ? `${owner}/revoke` : 'revocations';
  return `stop it, or ask it: POST /v1/keys/${path}`;
}

/** Opens the keys of a host that is stopped, does one thing, and has it on the chain before it says so. */
async function change(
  folder: string,
  cure: string,
  act: (trust: Trust) => number | Promise<number>,
): Promise<number> {
  hostKeyOf(folder, process.env);
  const lock = new StateLock(folder, nowMs(), cure);
  try {
    const passphrase = passphraseFrom(process.env);
    const trust = await Trust.open({
      stateFolder: folder,
      clock: systemClock,
      random: systemRandom,
      ...(passphrase === undefined ? {} : { passphrase }),
      version: 'host keys',
      onAudit: (trouble) => void (trouble !== undefined && process.stderr.write(`host: ${trouble}\n`)),
      onPolicies: () => {},
    });
    try {
      const code = await act(trust);
      await trust.pen?.flushed();
      return code;
    } finally {
      await trust.close('host keys is done');
    }
  } finally {
    lock.release();
  }
}

async function rotate(trust: Trust, stateFolder: string, whose: string): Promise<number> {
  const owner = await knownOwner(whose, trust.keyring, stateFolder);
  const { key } = await new HostKeys({ trust, stateFolder }).rotate(owner, 'local');
  return print(`${key}\n`);
}

async function revoke(
  trust: Trust,
  stateFolder: string,
  whose: string,
  generationText: string | undefined,
  reason: RevocationReason,
): Promise<number> {
  const keys = new HostKeys({ trust, stateFolder });
  if (parseKey(whose) !== undefined) {
    await keys.revokeForeign(whose, reason, 'local');
    return tell(`${whose} counts for nothing any more (${reason})`);
  }
  const owner = await knownOwner(whose, trust.keyring, stateFolder);
  const last = trust.keyring.generation(owner);
  const generation = generationText === undefined ? last : Number(generationText);
  if (!Number.isSafeInteger(generation) || generation < 1 || generation > last)
    throw new HostError('HOST_ERR_CLI_USAGE', `--generation: ${whose} has the generations 1 to ${last}`);
  const { revokedKey, key } = await keys.revoke(owner, { generation, reason }, 'local');
  return tell(
    `generation ${generation} of ${whose}, ${revokedKey}, is revoked (${reason}); ${key} signs now`,
  );
}

function pin(trust: Trust, party: string, text: string): number {
  const key = parseKey(text);
  if (key === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', `'${text}' is no public key: ed25519: and 43 characters`);
  if (!/^(publisher|component)\/[a-z][a-z0-9-]{0,62}$/.test(party))
    throw new HostError('HOST_ERR_CLI_USAGE', `'${party}' is neither publisher/NAME nor component/AGENT`);
  trust.trusted.pinByHand(party, key);
  recordPin(trust, party, key);
  return tell(`${party} has the key ${text}`);
}

function forget({ trusted }: Trust, party: string): number {
  if (trusted.pin(party) === undefined)
    throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no key of '${party}' is pinned; see host keys list`);
  trusted.forget(party);
  return tell(`the next key of ${party} is its first`);
}

function reseal({ secret }: Trust, folder: string): number {
  const next = process.env.MOTEHOST_KEY_PASSPHRASE_NEW;
  if (next === undefined)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      'give the passphrase in MOTEHOST_KEY_PASSPHRASE_NEW, where no other user reads it; empty: none from now on',
    );
  const passphrase = next === '' ? undefined : next;
  writeHostSecret(secret, { folder: join(folder, 'keys'), random: systemRandom, passphrase });
  return tell(
    next === '' ? 'host.key is not sealed any more' : 'host.key is sealed under the new passphrase',
  );
}

interface Listed {
  readonly party: string;
  readonly key: string;
  readonly by: string;
  /** 0: of somebody else's key that is revoked, nobody knows. */
  readonly generation: number;
  readonly reason?: RevocationReason;
  /** ISO 8601. */
  readonly revoked?: string;
}

function list(trust: Trust, stateFolder: string, isJson: boolean): number {
  const rows = listed(trust, stateFolder);
  if (isJson) return print(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const columns = [
    { title: 'PARTY' },
    { title: 'KEY' },
    { title: 'BY' },
    { title: 'GENERATION', isNumber: true },
    { title: 'REVOKED' },
  ];
  const cells = rows.map(({ party, key, by, generation, revoked = '' }) => [
    party,
    key,
    by,
    generation === 0 ? '' : String(generation),
    revoked,
  ]);
  return print(`${formatTable(columns, cells).join('\n')}\n`);
}

function listed(trust: Trust, stateFolder: string): readonly Listed[] {
  const { keyring, trusted } = trust;
  const { keys, pinned } = new HostKeys({ trust, stateFolder }).list();
  return [
    ...keys.map(({ party, key, generation }) => ({ party, key, by: 'own', generation })),
    ...keyring.revokedKeys.map(({ party, key, generation, reason, fromMs }) => ({
      party,
      key,
      by: `revoked: ${reason}`,
      generation,
      reason,
      revoked: new Date(fromMs).toISOString(),
    })),
    ...pinned.map(({ party, key, by, generation }) => ({ party, key, by, generation })),
    ...trusted.revokedKeys.map(({ key, reason }) => ({
      party: '',
      key,
      by: `revoked: ${reason}`,
      generation: 0,
      reason,
    })),
  ];
}

/** @throws HostError `HOST_ERR_CLI_USAGE`; as `requireKnown` */
async function knownOwner(word: string, keyring: Keyring, stateFolder: string): Promise<KeyOwner> {
  const owner = ownerOf(word);
  await requireKnown(owner, keyring, stateFolder);
  return owner;
}

function ownerOf(word: string): KeyOwner {
  if (word === 'host') return 'host';
  const name = word.replace(/^agent\//, '');
  if (isAgentName(name)) return `agent/${name}`;
  throw new HostError('HOST_ERR_CLI_USAGE', `'${word}' is neither host nor an agent's name; ${usage}`);
}

function reasonOf(text: string): RevocationReason {
  const reason = reasons.find((one) => one === text);
  if (reason !== undefined) return reason;
  throw new HostError('HOST_ERR_CLI_USAGE', `--reason: '${text}' is none of ${reasons.join(', ')}`);
}

function nowMs(): number {
  return Number(systemClock.wallNs() / 1_000_000n);
}

function print(text: string): number {
  process.stdout.write(text);
  return exitCodes.ok;
}

function tell(text: string): number {
  process.stderr.write(`host: ${text}\n`);
  return exitCodes.ok;
}
