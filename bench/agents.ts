import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateBindings } from '../guest-sdk/assemblyscript/build/bindings/generate.ts';
import { worldTarget } from '../guest-sdk/build/target.ts';
import { witOf } from '../guest-sdk/build/wit-text.ts';
import { onFastLane } from '../test/support/lanes.ts';
import { writtenAgent } from '../test/support/written-agent.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

const host = resolve(import.meta.dirname, '../host/cli/bin.js');
const root = resolve(import.meta.dirname, '..');

interface BuiltAgent {
  readonly seconds: number;
  readonly bytes: number;
}

/** Builds a folder as a person does, in a process of its own, after its source changed. */
function build(folder: string, entry: string, count: number): BuiltAgent {
  const seconds = Array.from({ length: count }, (_, index) => {
    appendFileSync(join(folder, entry), `\n// ${index}\n`);
    const startedMs = performance.now();
    execFileSync(process.execPath, [host, 'build', folder, '--release', '-o', join(folder, 'out.wasm')], {
      stdio: 'ignore',
    });
    return (performance.now() - startedMs) / 1000;
  });
  return { seconds: median(seconds), bytes: statSync(join(folder, 'out.wasm')).size };
}

interface Subject {
  readonly name: string;
  readonly entry: string;
  /** Arguments of `host new`, or a folder to copy. */
  readonly from: readonly string[] | string;
  readonly bytesMax?: number;
  readonly secondsMax?: number;
}

const kib = 1024;
const agents = join(root, 'test/guest-sdk/agents');
const subjects: readonly Subject[] = [
  {
    name: 'AssemblyScript, echo',
    entry: 'assembly/index.ts',
    from: join(agents, 'echo'),
    bytesMax: 8 * kib,
    secondsMax: 2.5,
  },
  {
    name: 'AssemblyScript, every interface',
    entry: 'assembly/index.ts',
    from: join(agents, 'full'),
    bytesMax: 24 * kib,
    secondsMax: 2.5,
  },
  { name: 'AssemblyScript, template', entry: 'assembly/index.ts', from: ['--lang', 'as'] },
  {
    name: 'Rust, template, warm',
    entry: 'src/lib.rs',
    from: ['--lang', 'rust'],
    bytesMax: 40 * kib,
    secondsMax: 3,
  },
  { name: 'C, template', entry: 'agent.c', from: ['--lang', 'c'] },
  { name: 'TypeScript, template', entry: 'agent.ts', from: ['--lang', 'ts'] },
];

/** Builds a subject, or says why it cannot be built here. */
function measure(subject: Subject, count: number): BuiltAgent | string {
  const home = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  const folder = join(home, 'agent');
  try {
    if (typeof subject.from === 'string') {
      cpSync(subject.from, folder, { recursive: true });
      appendFileSync(join(folder, 'agent.toml'), 'name = "agent"\nworld = "handler"\n');
    } else execFileSync(process.execPath, [host, 'new', folder, ...subject.from], { stdio: 'ignore' });
    build(folder, subject.entry, 1);
    return build(folder, subject.entry, count);
  } catch (error) {
    const stderr = (error as { readonly stderr?: Buffer }).stderr?.toString() ?? '';
    return (stderr || String(error)).split('\n')[0] ?? '';
  } finally {
    rmSync(home, { recursive: true });
  }
}

const greeter = 'export function greet(name: string): string { return "Hello, " + name + "!"; }';
const greeterWit = 'package bench:greet; world w { export greet: func(name: string) -> string; }';
const callsPerRound = 20_000;

/** Microseconds of one call of an AssemblyScript agent, string to string, metered, on the fast lane. */
async function callUs(rounds: number): Promise<number> {
  const { bytes } = await writtenAgent(greeter, { wit: greeterWit, release: true });
  const instance = await onFastLane(bytes);
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    for (let call = 0; call < callsPerRound; call += 1) await instance.call('greet', ['Ada Lovelace']);
    samples.push(((performance.now() - startedMs) * 1000) / callsPerRound);
  }
  return median(samples);
}

/** Milliseconds from WIT text to AssemblyScript for a world of 200 functions: 100 imported, 100 exported. */
async function generateMs(rounds: number): Promise<number> {
  const types = `record point { x: f64, y: f64, label: string }
    variant shape { dot(point), line(tuple<point, point>), polygon(list<point>), none }
    enum colour { red, green } flags rights { read, write }`;
  const functions = Array.from(
    { length: 100 },
    (_, index) =>
      `draw-${String.fromCharCode(97 + (index % 26))}${index}: func(a: shape, b: option<string>, c: list<u8>, d: colour, e: rights) -> result<list<point>, string>;`,
  );
  const wit = witOf(
    `package bench:many; interface t { ${types} ${functions.join('\n')} } world w { import t; export t; }`,
  );
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    const target = await worldTarget(wit, 'w');
    generateBindings(target.world, target.name, './assembly/index');
    samples.push(performance.now() - startedMs);
  }
  return median(samples);
}

async function report({ quick }: Effort): Promise<Report> {
  const built = subjects.map((subject) => ({ subject, result: measure(subject, quick ? 1 : 5) }));
  const marks = built.flatMap(({ subject: { name, bytesMax, secondsMax }, result }) =>
    typeof result === 'string' || bytesMax === undefined || secondsMax === undefined
      ? []
      : [
          atMost(`${name}: size`, result.bytes / kib, bytesMax / kib, 'KiB'),
          atMost(`${name}: build`, result.seconds, secondsMax, 's'),
        ],
  );
  return {
    question,
    columns: ['agent', 'component, KiB', 'build, s'],
    rows: built.map(({ subject: { name }, result }) =>
      typeof result === 'string'
        ? [name, '-', '-']
        : [name, round(result.bytes / kib), round(result.seconds)],
    ),
    marks: [
      ...marks,
      atMost('call of an AssemblyScript agent, string to string', await callUs(quick ? 5 : 21), 5, 'µs'),
      atMost('WIT of 200 functions to AssemblyScript', await generateMs(quick ? 5 : 21), 100, 'ms'),
    ],
    remarks: [
      'builds are whole processes of `host build --release` after the source changed; median. Rust is warm: its libraries are compiled.',
      ...built.flatMap(({ subject: { name }, result }) =>
        typeof result === 'string' ? [`${name}: ${result}`] : [],
      ),
    ],
  };
}

const question = 'What does an agent cost to build, to ship and to call?';

export const bench: Bench = { name: 'agents', question, run: report };
