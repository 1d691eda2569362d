// Works, unless it is told not to: `boom` ends it, `no` is a failure.
import {
  Config,
  Failure,
  Message,
  Reply,
  Result,
  StopReason,
  Unit,
  done,
  fail,
  log,
  reply,
  utf8,
} from "motehost:agent";

let count = 0;

export function start(config: Config): Result<Unit, Failure> {
  log.info("begun");
  return done<Failure>();
}

export function handle(message: Message): Reply {
  if (message.subject == "host.health") return reply("well");
  const words = utf8.decode(message.body);
  if (words == "boom") unreachable();
  if (words == "no") return fail(Failure.other("not today"));
  count++;
  return reply("done " + count.toString());
}

export function stop(reason: StopReason): void {}
