#!/usr/bin/env node
// The entry everybody starts, on whatever Node they have: it must parse on old ones, so it is plain JavaScript.
// On a Node that is new enough it loads nothing but the command: `import`s of Node's own modules would cost
// a short run more than the run itself.

const nodeMajorMin = 26;

async function runHere() {
  const fs = process.getBuiltinModule('node:fs');
  process.getBuiltinModule('node:module').enableCompileCache();
  const source = new URL('./main.ts', import.meta.url);
  const dist = new URL('../../dist/', import.meta.url);
  const runsSources = fs.existsSync(source) && !isCurrent(fs, dist);
  const { main } = await import(runsSources ? source.href : new URL('hot.js', dist).href);
  endWithLauncher();
  await main(process.argv.slice(2));
}

/** Started by an older Node (`runOn`): when that is killed, even at once, this is to end as if it had been asked to. */
function endWithLauncher() {
  if (process.channel === undefined || process.channel === null) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

/** In a checkout: whether dist/ is there and no source is newer. Two hundred looks at the disk, a millisecond. */
function isCurrent(fs, dist) {
  const list = new URL('inputs.json', dist);
  const options = { throwIfNoEntry: false };
  const built = fs.statSync(list, options);
  if (built === undefined) return false;
  const root = decodeURIComponent(new URL('../', dist).pathname);
  return JSON.parse(fs.readFileSync(list, 'utf8')).every((file) => {
    const input = fs.statSync(root + file, options);
    return input !== undefined && input.mtimeMs <= built.mtimeMs;
  });
}

/** The Node that came as a dependency, or undefined. */
async function bundledNode() {
  const { existsSync } = await import('node:fs');
  const { createRequire } = await import('node:module');
  const { dirname, join } = await import('node:path');
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function runOn(node) {
  const { spawn } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');
  // Signals of the terminal reach the child by itself; this parent only has to outlive it.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 70);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

async function runElsewhere() {
  const node = await bundledNode();
  if (node !== undefined) return runOn(node);
  process.stderr.write(
    `host: needs Node ${nodeMajorMin} or newer (for JSPI), this is ${process.versions.node}, and the dependency "node" is not installed.\n` +
      'host: run `npm ci` in the project, or `npm rebuild node` if its install script was blocked, or install a newer Node.\n',
  );
  process.exit(69);
}

if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) await runHere();
else await runElsewhere();
