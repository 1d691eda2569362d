// Wants all memory there is. Whatever the machine has, it gets what its manifest says, as a total over all
// that it holds, and ends when it asks for more; the host and its neighbours notice nothing.
//
//   host run examples/memory-hog; echo "exit code $?"        (124: a limit was reached)
import { Message, Reply, log } from "motehost:agent";

const pieceBytes = 1024 * 1024;

export function handle(message: Message): Reply {
  const hoard: Uint8Array[] = [];
  while (true) {
    hoard.push(new Uint8Array(pieceBytes).fill(1));
    log.info(`${hoard.length} MiB and still hungry`);
  }
}
