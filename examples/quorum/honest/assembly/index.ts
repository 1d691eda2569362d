// A node that says what it thinks: a proposal is good if it is at most what the node has.
import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, fail, orchestration, reply, utf8 } from "motehost:agent";

const funds = 100;
let name = "";
let agreed = "nothing";

export function start(config: Config): Result<Unit, Failure> {
  name = config.name;
  return done<Failure>();
}

export function stop(reason: StopReason): void {}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  if (words[0] == "join") return joined();
  if (words[0] == "agreed") {
    agreed = words[1];
    return reply("noted");
  }
  if (words[0] == "recall") return reply(agreed);
  // The first three think for longer than anybody waits: for a word that nobody says.
  if (words[0] == "slowly" && (name == "node-1" || name == "node-2" || name == "node-3")) {
    orchestration.awaitSignal("wake", 10000);
  }
  return reply(parseInt(words[1]) <= funds ? "yes" : "no");
}

function joined(): Reply {
  const result = orchestration.joinGroup("nodes", orchestration.Topology.mesh);
  if (result.isErr) return fail(Failure.unavailable(result.error.toString()));
  return reply("joined");
}
