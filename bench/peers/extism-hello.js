// One Extism run from file to output: what `host run` is measured against.
import { readFileSync } from 'node:fs';
import createPlugin from '@extism/extism';

const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const plugin = await createPlugin(module, { useWasi: false });
const output = await plugin.call('hello');
process.stdout.write(output.bytes());
await plugin.close();
