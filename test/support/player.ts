import { writtenAgent } from './written-agent.ts';

/** Does what its message says, a command to a line, and answers with what came of each. */
const playerSource = `
import { Message, Reply, orchestration as o, reply, utf8 } from "motehost:agent";

function lease(result: o.Lease): string {
  return result.token.toString();
}

function tally(t: o.Tally): string {
  const decision = t.decision;
  const votes: string[] = [];
  for (let i = 0; i < t.ballots.length; i++) {
    const vote = t.ballots[i].vote;
    votes.push(t.ballots[i].voter + "=" + (vote.isAnswer ? utf8.decode(vote.asAnswer) : vote.isFailed ? "failed" : "silent"));
  }
  return (decision === null ? "undecided" : "decided " + utf8.decode(decision)) + " " + t.agreed.toString() + "/" + t.needed.toString() + " " + votes.join(" ");
}

function shape(name: string): o.Topology {
  return name == "mesh" ? o.Topology.mesh : name == "star" ? o.Topology.star : name == "hierarchical" ? o.Topology.hierarchical : o.Topology.ring;
}

function again(w: string[]): string {
  const ends: string[] = [];
  for (let left = <i32>parseInt(w[1]); left > 0; left--) ends.push(play(w.slice(2)));
  return ends.join(",");
}

function play(w: string[]): string {
  if (w[0] == "open") { const r = o.openChannel(w[1], <u32>parseInt(w[2])); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "put") { const r = o.put(w[1], w[2], <u32>parseInt(w[3])); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "take") { const r = o.takeText(w[1], <u32>parseInt(w[2])); return r.isOk ? r.value : r.error.toString(); }
  if (w[0] == "close") { const r = o.closeChannel(w[1]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "acquire") { const r = o.acquireLease(w[1], <u32>parseInt(w[2]), <u32>parseInt(w[3])); return r.isOk ? lease(r.value) : r.error.toString(); }
  if (w[0] == "renew") { const r = o.renewLease(w[1], <u64>parseInt(w[2]), <u32>parseInt(w[3])); return r.isOk ? lease(r.value) : r.error.toString(); }
  if (w[0] == "release") { const r = o.releaseLease(w[1], <u64>parseInt(w[2])); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "signal") { const r = o.signal(w[1], w[2]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "await") { const r = o.awaitSignal(w[1], <u32>parseInt(w[2])); return r.isOk ? r.value : r.error.toString(); }
  if (w[0] == "join") { const r = o.joinGroup(w[1], shape(w.length > 2 ? w[2] : "ring")); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "leave") { const r = o.leaveGroup(w[1]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "members") { const r = o.members(w[1]); return r.isOk ? r.value.join(",") : r.error.toString(); }
  if (w[0] == "neighbours") { const r = o.neighbours(w[1]); return r.isOk ? r.value.join(",") : r.error.toString(); }
  if (w[0] == "broadcast") { const r = o.broadcast(w[1], w[2]); return r.isOk ? r.value.reached.toString() + " missed " + r.value.missed.join(",") : r.error.toString(); }
  if (w[0] == "quorum") { const r = o.askQuorum(w[1].split(","), w[2], o.Threshold.majority(), <u32>parseInt(w[3]), w.length > 4); return r.isOk ? tally(r.value) : r.error.toString(); }
  if (w[0] == "group") { const r = o.askGroup(w[1], w[2], o.Threshold.count(<u32>parseInt(w[3])), 5000, true); return r.isOk ? tally(r.value) : r.error.toString(); }
  if (w[0] == "shard") { const s = o.shardOf(w[1], w[2].split(",")); return s === null ? "none" : s; }
  if (w[0] == "spawn") { const r = o.spawn(w[1], w[2], w.length > 3); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "end") { const r = o.endChild(w[1]); return r.isOk ? "ok" : r.error.toString(); }
  if (w[0] == "children") { const r = o.children(); return r.isOk ? r.value.join(",") : r.error.toString(); }
  if (w[0] == "again") return again(w);
  if (w[0] == "mute") for (;;) {}
  heard.push(w.join(" "));
  return w[0] == "heard" ? heard.slice(0, heard.length - 1).join(";") : "played " + w.join(" ");
}

const heard: string[] = [];

export function handle(message: Message): Reply {
  return reply(play(utf8.decode(message.body).split(" ")));
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** Its component, built once. */
export function player(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(playerSource).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
