import { writtenAgent } from './written-agent.ts';

/**
 * An agent of the world `agent` that logs when it starts (`begun`, or `begun again`) and is stopped (`stopped REASON`),
 * and counts its messages: `COUNT`. `trap` takes it along, `spin` never ends, `fail` is answered with a failure. What
 * the host tells it of others it logs. After `ill N` it answers a failure N times when it is asked how it is (`host.health`).
 */
const source = `
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, fail, log, reply, utf8 } from "motehost:agent";

let count = 0;
let illnesses: u32 = 0;

export function start(config: Config): Result<Unit, Failure> {
  for (let at = 0; at < config.settings.length; at++)
    if (config.settings[at].value == "unwilling") return Result.err<Unit, Failure>(Failure.other("not today"));
  log.info(config.resumed ? "begun again" : "begun");
  return done<Failure>();
}

export function handle(message: Message): Reply {
  if (message.subject == "host.health") {
    if (illnesses == 0) return reply("well");
    illnesses--;
    return fail(Failure.other("ill"));
  }
  const words = utf8.decode(message.body);
  if (message.subject.startsWith("down.") || message.subject.startsWith("exit.")) {
    log.info("told " + message.subject);
    return reply("");
  }
  if (words == "trap") unreachable();
  if (words == "spin") for (;;) {}
  if (words == "fail") return fail(Failure.other("no"));
  if (words.startsWith("ill ")) illnesses = U32.parseInt(words.slice(4));
  count++;
  return reply(count.toString());
}

export function stop(reason: StopReason): void {
  log.info("stopped");
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** Its component, built once. */
export function mortalAgent(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(source, { world: 'agent' }).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
