import { writtenAgent } from './written-agent.ts';

/**
 * `work N` counts to N millions, one step after the other, and answers with what comes of it; it logs `at work` before
 * and `got SUM` after.
 * `trap` traps. Anything else it logs as `seen WORDS`, and is answered with how many messages its instance had.
 */
const source = `
import { Message, Reply, log, reply, utf8 } from "motehost:agent";

let count = 0;

export function handle(message: Message): Reply {
  count++;
  const words = utf8.decode(message.body);
  if (words == "trap") unreachable();
  if (!words.startsWith("work ")) log.info("seen " + words);
  if (!words.startsWith("work ")) return reply(count.toString());
  log.info("at work");
  let sum: u32 = 1;
  for (let at = U32.parseInt(words.slice(5)) * 1_000_000; at > 0; at--) sum = sum * 1664525 + 1013904223;
  log.info("got " + sum.toString());
  return reply(sum.toString());
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** The component, built once. */
export function toiler(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(source).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
