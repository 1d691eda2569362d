import { type Channel, Moved } from '../../host/engine/worker/channel.ts';
import { joinOwner, threadStart } from '../../host/engine/worker/main.ts';
import { HostError } from '../../host/errors.ts';

/** What the threads of the pool's tests can be asked. */
export type ThreadCalls = {
  greet: (name: string) => Promise<string>;
  fail: (code: 'HOST_ERR_AGENT_UNKNOWN' | 'bug') => string;
  /** How much of the sender's memory came along. */
  visibleBytes: (input: { bytes: Uint8Array }) => number;
  double: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  exhaustHeap: (input: undefined) => void;
  loop: (input: undefined) => void;
  exit: (code: number) => void;
  print: (text: string) => void;
  environment: (input: undefined) => string[];
};

export type OwnerCalls = { nameOf: (id: number) => string; noted: (text: string) => void };

const { start } = threadStart<{ greeting: string; stubborn?: boolean }>();

const owner: Channel<ThreadCalls, OwnerCalls> = joinOwner<ThreadCalls, OwnerCalls>({
  answers: {
    greet: async (name) => `${start.greeting} ${name} ${await owner.call('nameOf', 7)}`,
    fail: (code) => {
      if (code === 'bug') throw new Error('a mistake');
      throw new HostError(code, 'no such agent', { agent: 'x' });
    },
    visibleBytes: ({ bytes }) => bytes.buffer.byteLength,
    double: (bytes) => {
      const doubled = bytes.map((byte) => 2 * byte);
      return new Moved(doubled, [doubled.buffer]);
    },
    exhaustHeap: () => {
      const kept: number[][] = [];
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, index) => index + kept.length));
    },
    loop: () => {
      for (;;);
    },
    exit: (code) => process.exit(code),
    print: (text) => {
      process.stdout.write(text);
    },
    environment: () => Object.keys(process.env),
  },
  onRetire: () => {
    owner.post('noted', 'retiring');
    return start.stubborn === true ? new Promise(() => {}) : undefined;
  },
});
