// Uses every interface of the world once, as an agent would: the measure of what "full-featured" costs.
import {
  Failure, Header, Message, Payload, Reply, bus, context, fail, log, payload, random, reply, tools, utf8,
} from "motehost:agent";

export function handle(message: Message): Reply {
  const text = utf8.decode(message.body);
  log.info("received", [new log.Field("subject", message.subject), new log.Field("bytes", text.length.toString())]);

  const seen = context.get(message.id);
  if (seen.isErr) return fail(Failure.unavailable("no memory"));
  if (seen.value !== null) return reply("seen");
  const kept = context.put(message.id, message.body, context.Precondition.absent());
  if (kept.isErr && kept.error.tag == context.ContextErrorTag.full) return fail(Failure.unavailable("memory is full"));

  const found = tools.call("search", '{"text":"' + text + '"}', 1000);
  const answer = bus.request("rank", payload(found.or("[]"), "application/json"), 2000);
  if (answer.isErr) {
    const error = answer.error;
    if (error.isFull) return fail(Failure.unavailable("try again in " + error.asFull.toString()));
    return fail(Failure.other(error.toString()));
  }

  const headers = [new Header("nonce", random.getRandomU64().toString()), new Header("at", Date.now().toString())];
  bus.publish("ranked." + message.subject, new Payload("application/json", headers, answer.value.body));
  return reply(answer.value.body);
}
