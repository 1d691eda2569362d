#!/usr/bin/env node
// The entry everybody starts, on whatever Node they have: it must parse on old ones, so it is plain JavaScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const nodeMajorMin = 26;

/** Sources run as they are in a checkout; Node strips no types below node_modules, where the package has `dist/`. */
function mainUrl() {
  const source = new URL('./main.ts', import.meta.url);
  const isInstalled = here.includes('node_modules');
  return !isInstalled && existsSync(source) ? source : new URL('../../dist/host/cli/main.js', import.meta.url);
}

/** The Node that came as a dependency, or undefined. */
function bundledNode() {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function runHere() {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache?.();
  const { main } = await import(mainUrl().href);
  await main(process.argv.slice(2));
}

function runOnBundledNode(node) {
  // Signals of the terminal reach the child by itself; this parent only has to outlive it.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 70);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const node = bundledNode();
if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) await runHere();
else if (node !== undefined) runOnBundledNode(node);
else {
  process.stderr.write(
    `host: needs Node ${nodeMajorMin} or newer (for JSPI), this is ${process.versions.node}, and the dependency "node" is not installed.\n` +
      'host: run `npm ci` in the project, or `npm rebuild node` if its install script was blocked, or install a newer Node.\n',
  );
  process.exit(69);
}
