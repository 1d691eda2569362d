// Takes a sheet of orders and puts each line on the bus. Whoever is there to parse takes them from it: this agent
// knows nobody, and a line is on its way once `publish` has returned.
import { Failure, Message, Reply, bus, fail, log, reply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const lines = utf8.decode(message.body).split("\n");
  let count = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at].trim();
    if (line.length == 0) continue;
    // When this sheet is delivered again, its lines are not: their ids would be the same.
    const published = bus.publish("orders.raw", line, `${message.id}-${at}`);
    if (published.isErr) return fail(Failure.unavailable(`line ${at + 1}: ${published.error.toString()}`));
    count++;
  }
  log.info("orders are on their way", [new log.Field("count", count.toString())]);
  return reply(`${count} orders are on their way\n`);
}
