import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LocalAgent, ServeOptions } from '../../host/host/serve.ts';
import type { LogEntry } from '../../host/telemetry/log-entry.ts';
import { Hosted, temporaryState } from './hosted.ts';
import { writtenAgent } from './written-agent.ts';

/** Lets agents come, run and be called: what a test is not about. */
export const life = `
@id("life")
permit (principal, action in [Motehost::Action::"lifecycle", Motehost::Action::"invoke",
  Motehost::Action::"resource.allocate", Motehost::Action::"tier.use"], resource);
`;

/** A folder of policies, removed after the test. */
export class PolicyFolder {
  readonly path: string;

  constructor(t: TestContext, policies: string, entities = '') {
    this.path = mkdtempSync(join(tmpdir(), 'motehost-policies-'));
    t.after(() => rmSync(this.path, { recursive: true, force: true }));
    if (entities !== '') writeFileSync(join(this.path, 'entities.toml'), entities);
    this.write(policies);
  }

  /** In one step, as an editor does. */
  write(policies: string): void {
    writeFileSync(join(this.path, 'a.tmp'), policies);
    renameSync(join(this.path, 'a.tmp'), join(this.path, 'a.cedar'));
  }
}

export interface Policed {
  readonly host: Hosted;
  readonly policies: PolicyFolder;
  /** All that was logged, with the cures of denials. */
  readonly log: string[];
  /** Puts other policies in force, everywhere. */
  change(policies: string): Promise<void>;
  /** Resolves once a line of the log matches. */
  logged(pattern: RegExp, count?: number): Promise<void>;
}

/** A host whose policies are those of `life` and these. */
export async function policed(
  t: TestContext,
  policies: string,
  agents: readonly LocalAgent[],
  options: Partial<ServeOptions> & { readonly entities?: string } = {},
): Promise<Policed> {
  const { entities, ...own } = options;
  const folder = new PolicyFolder(t, life + policies, entities);
  const log: string[] = [];
  const waiting = new Set<() => void>();
  const note = ({ agent = 'host', text, fields }: LogEntry): void => {
    log.push(`${agent}: ${text}${fields.map(({ name, value }) => ` ${name}=${value}`).join('')}`);
    for (const look of waiting) look();
  };
  const host = await Hosted.start(t, temporaryState(t), agents, {
    log: note,
    trust: { policyFolder: folder.path, auditLevel: 'off' },
    ...own,
  });
  const logged = (pattern: RegExp, count = 1): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (log.filter((line) => pattern.test(line)).length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  let changes = 0;
  const change = async (next: string): Promise<void> => {
    changes += 1;
    folder.write(life + next);
    await logged(/policies of version \d+ are in force/, changes);
  };
  return { host, policies: folder, log, change, logged };
}

/**
 * Does as it is told, and answers with what came of it: `send NAME WORDS`, `pub SUBJECT WORDS`, `ask SUBJECT WORDS`,
 * `on PATTERN`; anything else it logs as heard, with its labels, and answers with it.
 */
const source = `
import { Message, Payload, Reply, bus, log, reply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  const first = words.indexOf(" ");
  const verb = first < 0 ? "" : words.slice(0, first);
  const rest = words.slice(first + 1);
  const at = rest.indexOf(" ");
  const target = at < 0 ? rest : rest.slice(0, at);
  const body = at < 0 ? "" : rest.slice(at + 1);
  if (verb == "send") {
    const done = bus.send(target, body);
    return reply(done.isOk ? "sent" : done.error.toString());
  }
  if (verb == "pub") {
    const done = bus.publish(target, body);
    return reply(done.isOk ? "sent" : done.error.toString());
  }
  if (verb == "json") {
    const done = bus.publish(target, new Payload("application/json", [], utf8.encode(body)));
    return reply(done.isOk ? "sent" : done.error.toString());
  }
  if (verb == "ask") {
    const done = bus.request(target, body, 20000);
    return reply(done.isOk ? utf8.decode(done.value.body) : done.error.toString());
  }
  if (verb == "on") {
    const done = bus.subscribe(target, null);
    return reply(done.isOk ? "on" : done.error.toString());
  }
  log.info("heard " + words);
  if (words == "spin") for (;;) {}
  return reply("re " + words);
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** Its component, built once. */
export function obedient(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(source).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
