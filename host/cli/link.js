// npm's `prepare`, run after `npm ci` in a checkout: npm links the commands of dependencies into node_modules/.bin, but not
// the project's own, without which every `npx host` would first install the checkout somewhere else.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';

const folder = new URL('../../node_modules/.bin/', import.meta.url);
const link = new URL('host', folder);

try {
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync('../../host/cli/bin.js', link);
} catch (error) {
  process.stderr.write(`host: no link in node_modules/.bin (${error.message}); use node host/cli/bin.js\n`);
}

// npm may run this before the dependencies are there, on whatever Node the machine has: then there is no dist/
// yet, and `host` says what is missing when it is called.
if (Number(process.versions.node.split('.')[0]) >= 26) await import('../../bundle.ts');
