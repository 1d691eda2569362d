// Never ends by itself. It asks nobody, allocates nothing and yields to nobody, and is stopped all the same:
// every turn of the loop costs fuel, and its manifest gives it enough for a moment.
//
//   host run examples/endless-loop; echo "exit code $?"      (124: a limit was reached)
import { Message, Reply, noReply } from "motehost:agent";

export function handle(message: Message): Reply {
  let state: u64 = 88172645463325252;
  while (state != 0) {
    // A random walk that never meets 0; a constant loop would be compiled away.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return noReply();
}
