// `tell WORDS` goes to the press, anything else to the ledger.
import { Failure, Message, Reply, bus, fail, reply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words.startsWith("tell ")) {
    const told = bus.publish("press.rumours", words.slice(5));
    return reply(told.isErr ? `the press: ${told.error.toString()}\n` : "the press knows\n");
  }
  const booked = bus.request("agent.ledger", words, 5000);
  if (booked.isErr) return fail(Failure.unavailable(booked.error.toString()));
  return reply(booked.value.body);
}
