// Has done nothing wrong, and is restarted with the one it was started after.
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, log, reply } from "motehost:agent";

let count = 0;

export function start(config: Config): Result<Unit, Failure> {
  log.info("begun");
  return done<Failure>();
}

export function handle(message: Message): Reply {
  count++;
  return reply("helped " + count.toString());
}

export function stop(reason: StopReason): void {
  log.info("stopped");
}
