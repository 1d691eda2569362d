// Counts what it is told of the ends of another agent.
import { Message, Reply, log, noReply, reply } from "motehost:agent";

let ends = 0;

export function handle(message: Message): Reply {
  if (!message.subject.startsWith("down.")) return reply(ends.toString() + " ends heard of");
  ends++;
  log.info("heard of it", [new log.Field("subject", message.subject)]);
  return noReply();
}
