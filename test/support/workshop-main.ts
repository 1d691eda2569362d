import { createServer } from 'node:http';
import { serialize } from 'node:v8';
import { type AsOrder, buildHere } from './as-build.ts';

// The process behind `workshop.ts`: one build after the other, each program once.

const made = new Map<string, Promise<Buffer>>();
let last: Promise<unknown> = Promise.resolve();

function build(text: string): Promise<Buffer> {
  const known = made.get(text);
  if (known !== undefined) return known;
  const next = last.then(async () => serialize(await buildHere(JSON.parse(text) as AsOrder)));
  made.set(text, next);
  last = next.catch(() => {});
  return next;
}

const server = createServer(async (asked, reply) => {
  const text = Buffer.concat(await asked.toArray()).toString();
  const bytes = await build(text).catch(() => undefined);
  reply.writeHead(bytes === undefined ? 422 : 200).end(bytes);
});
process.on('disconnect', () => process.exit());
server.listen(process.argv[2], () => process.send?.('ready'));
