import { writtenAgent } from './written-agent.ts';

/**
 * Answers `NAME COUNT`: how many messages its instance had. `trap N`, `fail N`, `deny N` and `spin N` end so up to
 * attempt N, or, with a name behind it, do so only in the agent of that name; `bad` is refused as invalid; `to OTHER` sends to another agent first. It logs `seen WORDS, attempt N`,
 * and after that the headers that say who failed at the message before.
 */
const source = (name: string): string => `
import { Failure, Message, Reply, bus, fail, log, reply, utf8 } from "motehost:agent";

let count = 0;

export function handle(message: Message): Reply {
  count++;
  const words = utf8.decode(message.body);
  let path = "";
  for (let at = 0; at < message.headers.length; at++)
    if (message.headers[at].name == "mote-failover") path += ", after " + message.headers[at].value;
  log.info("seen " + words + ", attempt " + message.attempt.toString() + path);
  const parts = words.split(" ");
  const isMeant = parts.length < 3 || parts[2] == "${name}";
  const last = parts.length > 1 && isMeant ? U32.parseInt(parts[1]) : 0;
  if (words.startsWith("to ")) {
    const sent = bus.send(words.slice(3), "hello");
    return sent.isErr ? fail(Failure.other(sent.error.toString())) : reply("sent");
  }
  if (words == "bad") return fail(Failure.invalid(words));
  if (message.attempt <= last) {
    if (words.startsWith("trap")) unreachable();
    if (words.startsWith("fail")) return fail(Failure.other("no"));
    if (words.startsWith("deny")) return fail(Failure.denied("no"));
    if (words.startsWith("spin")) for (;;) {}
  }
  return reply("${name} " + count.toString());
}
`;

const built = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** A component whose answers begin with a name, built once. */
export function frailAgent(name: string): Promise<Uint8Array<ArrayBuffer>> {
  let component = built.get(name);
  component ??= writtenAgent(source(name)).then(({ bytes }) => new Uint8Array(bytes));
  built.set(name, component);
  return component;
}

/** A component of the world `agent` whose start fails unless its settings say `start = "well"`. */
export async function unwillingAgent(): Promise<Uint8Array<ArrayBuffer>> {
  const text = `
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, reply } from "motehost:agent";

export function start(config: Config): Result<Unit, Failure> {
  for (let at = 0; at < config.settings.length; at++)
    if (config.settings[at].value == "well") return done<Failure>();
  return Result.err<Unit, Failure>(Failure.other("not today"));
}

export function handle(message: Message): Reply {
  return reply("at last");
}

export function stop(reason: StopReason): void {}
`;
  return new Uint8Array((await writtenAgent(text, { world: 'agent' })).bytes);
}
