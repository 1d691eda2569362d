import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply {
  return reply(message.body);
}
