import { writtenAgent } from './written-agent.ts';

/**
 * Ties itself as its message says (`link NAME`, `unlink NAME`, `monitor NAME`, `demonitor NUMBER`) and answers with what
 * came of it; `trap` takes it along, anything else is answered with how many messages it had. Notices it logs:
 * `told SUBJECT BODY`.
 */
const source = `
import { Message, Reply, log, reply, ties, utf8 } from "motehost:agent";

let count = 0;

function play(w: string[]): string {
  if (w[0] == "link") { const r = ties.link(w[1]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "unlink") { const r = ties.unlink(w[1]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "monitor") { const r = ties.monitor(w[1]); return r.isOk ? r.value.toString() : r.error.toString(); }
  if (w[0] == "demonitor") { const r = ties.demonitor(U64.parseInt(w[1])); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "trap") unreachable();
  count++;
  return count.toString();
}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (message.subject.startsWith("down.") || message.subject.startsWith("exit.")) {
    log.info("told " + message.subject + " " + words);
    return reply("");
  }
  return reply(play(words.split(" ")));
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** Its component, built once. */
export function tiedAgent(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(source).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
