#!/usr/bin/env node
// The entry everybody starts, on whatever Node they have: it must parse on old ones, so it is plain JavaScript.
// Modules are loaded where they are used, because loading them is most of what a short run costs.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeMajorMin = 26;

/** Sources run as they are in a checkout; Node strips no types below node_modules, where the package has `dist/`. */
function mainUrl() {
  const source = new URL('./main.ts', import.meta.url);
  const isInstalled = import.meta.url.includes('/node_modules/');
  return !isInstalled && existsSync(source)
    ? source
    : new URL('../../dist/host/cli/main.js', import.meta.url);
}

/** The Node that came as a dependency, or undefined. */
function bundledNode() {
  try {
    const path = join(
      dirname(module.createRequire(import.meta.url).resolve('node/package.json')),
      'bin',
      'node',
    );
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function runHere() {
  module.enableCompileCache?.();
  const { main } = await import(mainUrl().href);
  await main(process.argv.slice(2));
}

async function runOnBundledNode(node) {
  const { spawn } = await import('node:child_process');
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

async function runElsewhere() {
  const node = bundledNode();
  if (node !== undefined) return runOnBundledNode(node);
  process.stderr.write(
    `host: needs Node ${nodeMajorMin} or newer (for JSPI), this is ${process.versions.node}, and the dependency "node" is not installed.\n` +
      'host: run `npm ci` in the project, or `npm rebuild node` if its install script was blocked, or install a newer Node.\n',
  );
  process.exit(69);
}

if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) await runHere();
else await runElsewhere();
