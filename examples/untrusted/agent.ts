// An agent that nobody trusts: it does what it is told, and its manifest says how far it gets.
import { bus, type Message, payload, reply, utf8 } from 'motehost:agent';
import { getDirectories } from 'wasi:filesystem/preopens';
import { instanceNetwork } from 'wasi:sockets/instance-network';
import { createTcpSocket } from 'wasi:sockets/tcp-create-socket';

const toRead = { read: true, write: false, fileIntegritySync: false, dataIntegritySync: false, requestedWriteSync: false, mutateDirectory: false };
const asItIs = { create: false, directory: false, exclusive: false, truncate: false };

function open(write: boolean) {
  const [[folder]] = getDirectories();
  return folder.openAt({ symlinkFollow: false }, 'notes.txt', asItIs, { ...toRead, write });
}

const attempts: Readonly<Record<string, () => string>> = {
  read: () => utf8.decode(open(false).read(100n, 0n)[0]).trim(),
  write: () => String(open(true).write(utf8.encode('mine now'), 0n)),
  connect: () => {
    const address = { port: 80, address: [127, 0, 0, 1] as [number, number, number, number] };
    createTcpSocket('ipv4').startConnect(instanceNetwork(), { tag: 'ipv4', val: address });
    return 'connected';
  },
  sockets: () => {
    const open = [];
    for (;;) open.push(createTcpSocket('ipv4'));
  },
  send: () => String(bus.send('neighbour', undefined, payload('hello'))),
  memory: () => {
    const hoard: Uint8Array[] = [];
    for (;;) hoard.push(new Uint8Array(1_048_576).fill(1));
  },
  compute: () => {
    for (;;);
  },
};

export function handle(message: Message): Uint8Array | undefined {
  const words = utf8.decode(message.body).trim();
  const attempt = attempts[words];
  if (attempt === undefined) return reply(`one of: ${Object.keys(attempts).join(', ')}`);
  try {
    return reply(`${words}: ${attempt()}`);
  } catch (refused) {
    return reply(`${words}: refused, ${wordsOf(refused)}`);
  }
}

/** What an interface says is a value; what the engine says is an error. */
function wordsOf(refused: unknown): string {
  const { payload: said } = refused as { payload?: unknown };
  return said === undefined ? String(refused) : JSON.stringify(said);
}
