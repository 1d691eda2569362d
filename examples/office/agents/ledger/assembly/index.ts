// Adds up what it is told.
import { Failure, Message, Reply, fail, reply, utf8 } from "motehost:agent";

let total: i64 = 0;

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).trim();
  const amount = I64.parseInt(words);
  if (amount.toString() != words) return fail(Failure.invalid(`'${words}' is no amount`));
  total += amount;
  return reply(`${total} in all\n`);
}
