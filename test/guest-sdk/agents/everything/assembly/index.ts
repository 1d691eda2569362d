import { Message, Reply, reply, noReply, fail, Failure, CustomFailure, log, bus, context, tools, utf8, payload, random, Box, Header, Payload } from "motehost:agent";
import { liveBlocks } from "motehost-sdk/abi/memory";

function showFailure(f: Failure): string {
  return f.isCustom ? f.asCustom.code + ":" + f.asCustom.message : f.toString();
}
function busErr(e: bus.BusError): string {
  return "bus-error " + e.tag.toString() + " " + e.toString() + (e.isFailed ? " " + showFailure(e.asFailed) : "");
}
function ctxErr(e: context.ContextError): string {
  const revision = e.isConflict ? e.asConflict : null;
  return "context-error " + e.tag.toString() + " " + e.toString() + (revision === null ? "" : " " + revision.value.toString());
}
function toolErr(e: tools.ToolError): string {
  return "tool-error " + e.tag.toString() + " " + e.toString();
}
export function handle(message: Message): Reply {
  const body = utf8.decode(message.body);
  const subject = message.subject;
  if (subject == "live") return reply(liveBlocks().toString());
  if (subject == "show") {
    const s = message.sender, r = message.replyTo, d = message.deadlineNs, c = message.contentType;
    let t = message.id + "|" + message.subject + "|" + (s === null ? "-" : s) + "|" + (r === null ? "-" : r) + "|" +
      message.sentAtNs.toString() + "|" + (d === null ? "-" : d.value.toString()) + "|" + message.attempt.toString() + "|" + (c === null ? "-" : c);
    for (let i = 0; i < message.headers.length; i++) t += "|" + message.headers[i].name + "=" + message.headers[i].value;
    return reply(t + "|" + body);
  }
  if (subject == "none") return noReply();
  if (subject == "empty") return reply("");
  if (subject == "bytes") return reply(message.body);
  if (subject == "throw") throw new Error("as you wish");
  if (subject == "fail") {
    if (body == "invalid") return fail(Failure.invalid("i"));
    if (body == "denied") return fail(Failure.denied("d"));
    if (body == "unsupported") return fail(Failure.unsupported("u"));
    if (body == "unavailable") return fail(Failure.unavailable("n"));
    if (body == "timed-out") return fail(Failure.timedOut("t"));
    if (body == "custom") return fail(Failure.custom(new CustomFailure("code", "words", utf8.encode("more"))));
    if (body == "custom-bare") return fail(Failure.custom(new CustomFailure("code", "")));
    return fail(Failure.other("ö"));
  }
  if (subject == "log") {
    if (log.enabled(log.Level.debug)) log.debug("debugging");
    log.warn("héllo 🌍", [new log.Field("a", "1"), new log.Field("b", "")]);
    console.log("console"); console.error("console error");
    trace("traced", 2, 1, 2.5);
    return noReply();
  }
  if (subject == "clock") {
    const d = new Date(Date.now());
    const p = performance.now();
    const r = Math.random();
    const bytes = random.getRandomBytes(16);
    const own = new Uint8Array(8); crypto.getRandomValues(own);
    return reply(d.toISOString() + " " + p.toString() + " " + (r >= 0 && r < 1).toString() + " " + bytes.length.toString() + " " + own.length.toString());
  }
  if (subject == "bus.send") { const r = bus.send("greeter", body); return reply(r.isOk ? r.value : busErr(r.error)); }
  if (subject == "bus.publish") {
    const r = bus.publish("news.eu", new Payload("text/plain", [new Header("x", "1"), new Header("y", "2")], utf8.encode(body)), "id-1");
    return reply(r.isOk ? r.value : busErr(r.error));
  }
  if (subject == "bus.request") {
    const r = bus.request("greeter", payload(body, "text/plain"), 2000);
    if (r.isErr) return reply(busErr(r.error));
    const p = r.value; const c = p.contentType;
    return reply((c === null ? "-" : c) + "|" + p.headers.length.toString() + "|" + utf8.decode(p.body));
  }
  if (subject == "bus.subscribe") { const r = bus.subscribe("a.*", "g"); return reply(r.isOk ? r.value.toString() : busErr(r.error)); }
  if (subject == "bus.unsubscribe") { const r = bus.unsubscribe(7); return reply(r.isOk ? "ok" : busErr(r.error)); }
  if (subject == "context.get") {
    const r = context.get(body); if (r.isErr) return reply(ctxErr(r.error));
    const e = r.value; return reply(e === null ? "absent" : e.revision.toString() + " " + utf8.decode(e.value));
  }
  if (subject == "context.text") { const r = context.getText("k"); if (r.isErr) return reply(ctxErr(r.error)); const v = r.value; return reply(v === null ? "absent" : v); }
  if (subject == "context.set") { const r = context.set("k", body); return reply(r.isOk ? r.value.toString() : ctxErr(r.error)); }
  if (subject == "context.put") { const r = context.put("k", message.body, context.Precondition.revision(41)); return reply(r.isOk ? r.value.toString() : ctxErr(r.error)); }
  if (subject == "context.delete") { const r = context.delete_("k", context.Precondition.absent()); return reply(r.isOk ? r.value.toString() : ctxErr(r.error)); }
  if (subject == "context.list") {
    const r = context.list("p", null, 10); if (r.isErr) return reply(ctxErr(r.error));
    let t = ""; const page = r.value;
    for (let i = 0; i < page.keys.length; i++) t += page.keys[i].key + ":" + page.keys[i].revision.toString() + ":" + page.keys[i].bytes.toString() + " ";
    const n = page.next; return reply(t + (n === null ? "end" : n));
  }
  if (subject == "context.usage") { const r = context.usage(); if (r.isErr) return reply(ctxErr(r.error)); const u = r.value; return reply(u.entries.toString() + " " + u.bytes.toString() + " " + u.bytesMax.toString() + " " + u.valueBytesMax.toString()); }
  if (subject == "tools.list") {
    const r = tools.list(); if (r.isErr) return reply(toolErr(r.error));
    let t = ""; const l = r.value;
    for (let i = 0; i < l.length; i++) { const o = l[i].outputSchema; t += l[i].name + "," + l[i].description + "," + l[i].inputSchema + "," + (o === null ? "-" : o) + ";"; }
    return reply(t);
  }
  if (subject == "tools.call") { const r = tools.call("search", body, 0); return reply(r.isOk ? r.value : toolErr(r.error)); }
  return fail(Failure.unsupported(subject));
}
