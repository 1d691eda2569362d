// Gives back what it gets; nothing for what nobody waits for.
import { Message, Reply, noReply, reply } from "motehost:agent";

export function handle(message: Message): Reply {
  return message.replyTo === null ? noReply() : reply(message.body);
}
