// A risk manager agrees to what is not worth more than it dares: 60,000, 50,000 and 20,000.
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, fail, orchestration, reply, utf8 } from "motehost:agent";

let dares = 60000;

export function start(config: Config): Result<Unit, Failure> {
  if (config.name == "risk-2") dares = 50000;
  if (config.name == "risk-3") dares = 20000;
  return done<Failure>();
}

export function stop(reason: StopReason): void {}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  if (words[0] == "join") {
    const joined = orchestration.joinGroup("risk", orchestration.Topology.mesh);
    return joined.isOk ? reply("joined") : fail(Failure.unavailable(joined.error.toString()));
  }
  const value = parseInt(words[1]) * parseInt(words[3]);
  return reply(value <= dares ? "yes" : "no");
}
