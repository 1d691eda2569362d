// Adds the price to an order: it asks whoever answers `prices.ITEM`, and waits for the answer.
import { Failure, Message, Reply, bus, fail, noReply, utf8 } from "motehost:agent";

export function handle(message: Message): Reply {
  const order = utf8.decode(message.body).split(" ");
  const item = order[0];
  const quantity = I32.parseInt(order[1]);

  const answer = bus.request(`prices.${item}`, "", 1000);
  // `failed` is the answer of whoever was asked: there is no such thing. All else may work in a moment.
  if (answer.isErr && answer.error.tag == bus.BusErrorTag.failed) return fail(Failure.invalid(`nobody sells ${item}`));
  if (answer.isErr) return fail(Failure.unavailable(`no price of ${item}: ${answer.error.toString()}`));

  const price = I32.parseInt(utf8.decode(answer.value.body));
  const stored = bus.send("store", `${item} ${quantity} ${quantity * price}`, message.id);
  return stored.isErr ? fail(Failure.unavailable(stored.error.toString())) : noReply();
}
