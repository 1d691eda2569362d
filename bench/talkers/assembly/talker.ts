// Does what it is told: `ask 100 NAME`, `send 100000 NAME`, `shout 100000 NAME` (as send, at most once).
import { Failure, Message, Reply, bus, fail, noReply, utf8 } from "motehost:agent";
import { BusErrorTag } from "motehost:agent/bus";
import { Header, Payload } from "motehost:agent/types";

const body = new Uint8Array(64);

function ask(count: i32, name: string): Reply {
  const subject = "agent." + name;
  const question = new Payload(null, [], body);
  for (let at = 0; at < count; at++) {
    const answer = bus.request(subject, question);
    if (answer.isErr) return fail(Failure.unavailable(answer.error.toString()));
  }
  return noReply();
}

function send(count: i32, name: string, headers: Header[]): Reply {
  const payload = new Payload(null, headers, body);
  for (let at = 0; at < count; at++) {
    const sent = bus.send(name, payload);
    if (sent.isOk) continue;
    if (sent.error.tag != BusErrorTag.full) return fail(Failure.unavailable(sent.error.toString()));
    at--; // It has waited, and may again.
  }
  return noReply();
}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  const count = I32.parseInt(words[1]);
  if (words[0] == "ask") return ask(count, words[2]);
  if (words[0] == "send") return send(count, words[2], []);
  return send(count, words[2], [new Header("mote-delivery", "at-most-once")]);
}
