import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasPeers, peerPath } from './corpus.ts';
import { atMost, type Bench, type Effort, type Mark, type Report, ratio, round } from './report.ts';
import { alternate, type Contender, median, percentile } from './samples.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** What it must print. */
  readonly output: string;
}

const greeting = 'Hello from a guest.\n';
const empty: Program = { name: 'node -e 0', args: ['-e', '0'], output: '' };
const hostRun = [here('../host/cli/bin.js'), 'run'];
const component: Program = {
  name: 'host run, WASI component',
  args: [...hostRun, here('guests/wasm/hello.wasm')],
  output: greeting,
};
const coreModule: Program = {
  name: 'host run, WASI core module',
  args: [...hostRun, here('guests/wasm/hello.core.wasm')],
  output: greeting,
};
const agentPath = here('../examples/hello/build/hello.wasm');
const agent: Program = {
  name: 'host run, AssemblyScript agent',
  args: [...hostRun, agentPath, '--input', 'bench'],
  output: 'Hello, bench!',
};
const peers: readonly Program[] = [
  {
    name: 'extism, plugin',
    args: [here('peers/extism-hello.js'), here('guests/wasm/hello-plugin.wasm')],
    output: greeting,
  },
  {
    name: 'jco run, WASI component',
    args: [peerPath('@bytecodealliance/jco/dist/jco.js'), 'run', here('guests/wasm/hello.wasm')],
    output: greeting,
  },
];

/** Our cache of prepared programs and Node's of compiled JavaScript (every contender gets the latter) in one folder. */
function launch(program: Program, cache: string): void {
  const output = execFileSync(process.execPath, program.args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HOST_CACHE: join(cache, 'host'), NODE_COMPILE_CACHE: join(cache, 'node') },
  });
  if (output !== program.output) {
    throw new Error(
      `${program.name} printed ${JSON.stringify(output)}, not ${JSON.stringify(program.output)}`,
    );
  }
}

function launchQuietly(args: readonly string[]): void {
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function inTemporaryFolder<T>(act: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const remove = (): void => rmSync(folder, { recursive: true });
  const result = act(folder);
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

async function measure(effort: Effort): Promise<Report> {
  if (!existsSync(agentPath)) launchQuietly([here('../host/cli/bin.js'), 'build', here('../examples/hello')]);
  const programs = [empty, agent, component, coreModule, ...(hasPeers ? peers : [])];
  const warm = await inTemporaryFolder((cache) => {
    const contenders: Contender[] = programs.map((program) => ({
      name: program.name,
      run: () => launch(program, cache),
    }));
    // Twice: the first run fills our cache, the second Node's, which is written when a process ends.
    for (const contender of [...contenders, ...contenders]) contender.run();
    return alternate(contenders, effort.quick ? 5 : 31);
  });
  const first = await alternate(
    [agent, component].map((program) => ({
      name: program.name,
      run: () => inTemporaryFolder((cache) => launch(program, cache)),
    })),
    effort.quick ? 2 : 7,
  );
  return report(programs, warm, first);
}

type Samples = ReadonlyMap<string, readonly number[]>;

function report(programs: readonly Program[], warm: Samples, first: Samples): Report {
  const typicalMs = (program: Program): number => median(warm.get(program.name) ?? []);
  const emptyMs = typicalMs(empty);
  const row = (name: string, samples: readonly number[]): string[] => [
    name,
    round(percentile(samples, 0)),
    round(median(samples)),
    round(percentile(samples, 0.9)),
    ratio(median(samples) / emptyMs),
  ];
  const rows = programs.map((program) => row(program.name, warm.get(program.name) ?? []));
  for (const [name, samples] of first) rows.push(row(`${name}, first time`, samples));
  return {
    question,
    columns: ['process', 'best ms', 'median ms', 'p90 ms', '× node -e 0'],
    rows,
    marks: marks(typicalMs, emptyMs, Math.max(...[...first.values()].map(median))),
    remarks: [
      'whole processes, started in turns; every one may use a warm compile cache of Node; first time: all caches empty.',
      ...(hasPeers ? [] : ['the peers are not installed: npm ci --prefix bench/peers.']),
    ],
  };
}

function marks(typicalMs: (program: Program) => number, emptyMs: number, firstMs: number): Mark[] {
  const own = [agent, component, coreModule].map((program) =>
    atMost(`${program.name}, cached / node -e 0`, typicalMs(program) / emptyMs, 1.6, '×'),
  );
  const beside = hasPeers
    ? peers.map((peer) =>
        atMost(`host run, agent / ${peer.name}`, typicalMs(agent) / typicalMs(peer), 1, '×'),
      )
    : [];
  return [...own, atMost('host run, nothing cached, the slower of both', firstMs, 1000, 'ms'), ...beside];
}

const question = 'How long does the whole process take, from the command line to the greeting?';

export const bench: Bench = { name: 'cold-start', question, run: measure };
