// Reads what people say in a room, `say.ROOM`, before others do: what is fit to be read goes on to `chat.ROOM`.
import { Failure, Message, Reply, bus, fail, log, noReply, utf8 } from "motehost:agent";

const unwanted = ["spam", "casino"];
const charsMax = 500;

export function handle(message: Message): Reply {
  if (!message.subject.startsWith("say.")) return fail(Failure.unsupported("publish to say.ROOM"));
  const room = message.subject.slice("say.".length);
  const text = utf8.decode(message.body).trim();
  if (text.length == 0 || text.length > charsMax) return fail(Failure.invalid(`say something, in ${charsMax} letters`));

  const isWanted = !isUnwanted(text.toLowerCase());
  if (!isWanted) log.warn("kept back", [new log.Field("room", room), new log.Field("text", text)]);
  const published = bus.publish(`chat.${room}`, isWanted ? text : "(the moderator kept something back)");
  return published.isErr ? fail(Failure.unavailable(published.error.toString())) : noReply();
}

function isUnwanted(text: string): bool {
  for (let at = 0; at < unwanted.length; at++) if (text.includes(unwanted[at])) return true;
  return false;
}
