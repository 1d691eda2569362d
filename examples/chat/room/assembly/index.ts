// Remembers the last lines of every room, and answers with them who asks `history.ROOM`.
import { Failure, Message, Reply, fail, noReply, reply, utf8 } from "motehost:agent";

const linesMax = 20;
const rooms = new Map<string, string[]>();

export function handle(message: Message): Reply {
  const subject = message.subject;
  const room = subject.slice(subject.indexOf(".") + 1);
  if (!rooms.has(room)) rooms.set(room, []);
  const lines = rooms.get(room);
  if (subject.startsWith("history.")) return reply(lines.join("\n") + "\n");
  if (!subject.startsWith("chat.")) return fail(Failure.unsupported("ask history.ROOM"));

  lines.push(utf8.decode(message.body));
  if (lines.length > linesMax) lines.shift();
  return noReply();
}
