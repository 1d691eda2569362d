import { isMainThread, Worker } from 'node:worker_threads';
import { newResidence, Residence } from '../../host/engine/residence.ts';

// Run alone: a thread like ours takes as many memories as it may, in a process whose addresses are in pieces, then fills
// its heap a little. Says how many memories there were, or how the thread was lost.

const inPieces = 14_000;
const manyMax = 100_000;
const heapObjects = 1_000_000;

async function fill(): Promise<number> {
  const residence = new Residence(newResidence(1, { memoriesMax: manyMax, stacksPerThreadMax: 1 }), 0);
  const kept: WebAssembly.Memory[] = [];
  const take = (): WebAssembly.Memory | undefined => {
    try {
      residence.acquireMemories(1);
    } catch {
      return undefined;
    }
    return new WebAssembly.Memory({ initial: 1 });
  };
  const first = Array.from({ length: inPieces }, take);
  for (const [index, memory] of first.entries()) if (memory !== undefined && index % 3 > 0) kept.push(memory);
  first.length = 0;
  await residence.collect();
  for (let memory = take(); memory !== undefined; memory = take()) kept.push(memory);
  const objects = Array.from({ length: heapObjects }, (_, index) => ({ index, list: [index] }));
  return objects.length === heapObjects ? kept.length : 0;
}

if (isMainThread) {
  const resourceLimits = { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 4096 };
  const thread = new Worker(new URL(import.meta.url), { resourceLimits });
  thread.on('error', (error: unknown) => console.log(String(error)));
} else console.log(await fill());
