// The smallest agent that does something: it is told a name and answers with a greeting.
//
// An agent is one function from a message to an answer. It has no clock, no network and no files unless
// somebody grants them; it can always compute, answer and write to its log.
//
//   host run examples/hello --input Ada
import { Failure, Message, Reply, fail, log, reply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const name = utf8.decode(message.body).trim();
  if (name.length == 0) return fail(Failure.invalid("whom shall I greet?"));

  log.info("greeting", [new log.Field("name", name)]);
  return reply(`Hello, ${name}!`);
}
