import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

const alone = resolve(import.meta.dirname, '../support/serve-alone.ts');
const home = mkdtempSync(join(tmpdir(), 'motehost-cli-serve-'));
const options = { timeout: 60_000 };
after(() => rmSync(home, { recursive: true }));
before(async () => {
  mkdirSync(join(home, 'agents'));
  assert.equal((await host(['new', 'agents/greeter'], { cwd: home })).code, 0);
  assert.equal((await host(['build', 'agents/greeter'], { cwd: home })).code, 0);
});

const serve = (...args: string[]): HostProcess => new HostProcess(args, home, alone);
const source = join(home, 'agents/greeter/assembly/index.ts');
const manifest = join(home, 'agents/greeter/agent.toml');

/** A ready agent beside the others: its component is of this many bytes. */
function putReady(folder: string, name: string, bytes: number): void {
  mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, folder, 'ready.wasm'), new Uint8Array(bytes));
  writeFileSync(join(home, folder, 'agent.toml.new'), `name = "${name}"\ncomponent = "ready.wasm"\n`);
  renameSync(join(home, folder, 'agent.toml.new'), join(home, folder, 'agent.toml'));
}

test('the banner says where it is, who is there and how to call the first', options, async () => {
  await using run = serve('agents', '--threads', '2', '--fuel', '1G', '--listen', '9999');
  await run.stderr.until(/^host: serving 1 agent on http:\/\/127\.0\.0\.1:9999\n/m);
  await run.stderr.until(/AGENT +WORLD +LISTENS TO +ROUTE\n {2}greeter +handler\n/);
  await run.stderr.until(/call +host invoke greeter --url http:\/\/127\.0\.0\.1:9999 --input hello\n/);
  await run.stderr.until(/curl +curl -d hello http:\/\/127\.0\.0\.1:9999\/v1\/agents\/greeter\/invoke\n/);
  await run.stderr.until(/Calls need no token: 127\.0\.0\.1 is this machine alone\./);
  await run.stderr.until(
    /2 threads, state in \.motehost; a changed agent is built and takes over; Ctrl-C drains and stops\.\n/,
  );
  await run.stdout.until(
    /^\d\d:\d\d:\d\d\.\d{3} info {2}host {5}serves \{"supervisors":\[\],"threads":2,"limits":\{"fuelMax":"1000000000"\},"trust":\{"auditLevel":"security",.*\}\}\n/m,
  );
  assert.equal(statSync(join(home, '.motehost')).mode & 0o777, 0o700);
  assert.equal(readFileSync(join(home, '.motehost/.gitignore'), 'utf8'), '*\n');
  assert.equal(await run.end('SIGTERM'), 0);
  assert.match(run.stdout.printed, /closes within 30000\n$/);
  assert.match(
    run.stderr.printed,
    /host: SIGTERM: what is under way may end, for 30 s at most; again: at once\n$/,
  );
});

test(
  'a changed source is built and takes over; one that does not build leaves the agent as it was',
  options,
  async () => {
    await using run = serve('agents');
    await run.stderr.until(/Ctrl-C drains/);
    const good = readFileSync(source, 'utf8');
    writeFileSync(source, good.replace('Hello', 'A very good day to you'));
    await run.stderr.until(
      /host: building agents\/greeter\nhost: greeter is replaced: \d+\n {2}\+ imports import-of-\d+\n {2}- imports import-of-\d+\n/,
    );

    writeFileSync(source, good.replace('utf8.decode(', 'utf8.decode(('));
    await run.stderr.until(
      /host: assembly\/index\.ts:5:\d+: [\s\S]*host: greeter goes on as it was; waiting for a change in agents\/greeter\n/,
    );
    writeFileSync(source, good.replace('Hello', 'A very good day to you'));
    await run.stderr.until(/host: greeter is in order again, and goes on as it was\n/);

    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, `${text}\n[capabilities.bus]\nsned = ["a"]\n`);
    await run.stderr.until(/agent\.toml: unknown key .*sned.*did you mean/);
    writeFileSync(manifest, `${text}\n[capabilities.bus]\nsend = ["a"]\n`);
    await run.stderr.until(/greeter is replaced/);
    writeFileSync(manifest, text);
    writeFileSync(source, good);
    await run.stderr.until(/greeter is replaced/);
    assert.equal(await run.end('SIGINT'), 0);
  },
);

test(
  'an agent that comes into a watched folder is new, and a ready component is replaced when it changes',
  options,
  async () => {
    await using run = serve('agents');
    await run.stderr.until(/serving 1 agent[\s\S]*Ctrl-C drains/);
    putReady('agents/second', 'second', 10);
    await run.stderr.until(/host: second is new: 10/);
    writeFileSync(join(home, 'agents/second/ready.wasm'), new Uint8Array(20));
    await run.stderr.until(/host: second is replaced: 20/);
    putReady('agents/second', 'third', 20);
    await run.stderr.until(
      /host: second is called third now; it goes on under its old name until host serve is started again\n/,
    );
    const supervisors = join(home, 'agents/supervisors.toml');
    writeFileSync(supervisors, '[[supervisors]]\nname = "top"\nchildren = ["greeter"]\n');
    await run.stderr.until(/host: supervisors\.toml changed: top is new\n/);
    writeFileSync(supervisors, '[[supervisors]]\nname = "top"\nchildren = ["nobody"]\n');
    await run.stderr.until(/the supervisors go on as they were; waiting for a change in supervisors\.toml\n/);
    assert.equal(await run.end('SIGINT'), 0);
    rmSync(supervisors);
    rmSync(join(home, 'agents/second'), { recursive: true });
  },
);

test('--log json says everything in lines of JSON on stdout', options, async () => {
  await using run = serve('agents', '--log', 'json', '--no-watch');
  await run.stdout.until(/"text":"serving 1 agent on http:\/\/127\.0\.0\.1:8080"/);
  assert.equal(await run.end('SIGTERM'), 0);
  assert.equal(run.stderr.printed, '');
  const texts = run.stdout.printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).text);
  assert.equal(texts.at(-1), 'closes within 30000');
});

test('a second signal ends it at once', options, async () => {
  process.env.STUCK = '1';
  await using run = serve('agents', '--no-watch');
  delete process.env.STUCK;
  await run.stderr.until(/changes are not watched/);
  run.kill('SIGINT');
  await run.stdout.until(/closes within/);
  assert.equal(await run.end('SIGINT'), 130);
});

test('a module of the scheduler without the policy that has use for it is refused', options, async () => {
  writeFileSync(join(home, 'module.toml'), '[scheduler]\nmodule = "rank.mjs"\n');
  await using run = serve('agents', '--config', 'module.toml');
  await run.stderr.until(/scheduler\.module has no effect without policy = "custom"/);
  assert.equal(await run.end('SIGCONT'), 64);
});

test('what cannot be served is told before anything runs', options, async () => {
  mkdirSync(join(home, 'empty'));
  mkdirSync(join(home, 'twice'));
  for (const name of ['a', 'b']) putReady(`twice/${name}`, 'same', 1);
  cpSync(join(home, 'agents'), join(home, 'broken'), { recursive: true });
  writeFileSync(join(home, 'broken/greeter/assembly/index.ts'), 'export function');
  writeFileSync(join(home, 'Not A Name!.wasm'), '');
  for (const [words, code, expected] of [
    [['missing'], 66, /no such folder or file: missing/],
    [['empty'], 66, /no agent\.toml in empty or in a folder in it; host new NAME makes/],
    [['twice'], 64, /two agents are named 'same': twice\/a\/agent\.toml and twice\/b\/agent\.toml/],
    [['broken'], 65, /assembly\/index\.ts:1:\d+: /],
    [['Not A Name!.wasm'], 64, /cannot be an agent's name; write an agent\.toml/],
    [['agents/greeter/assembly/index.ts'], 64, /is neither an agent\.toml nor a \.wasm component/],
    [['agents', '--listen', 'x:y'], 64, /--listen: 'x:y' is not HOST:PORT/],
    [['agents', '--listen', '127.0.0.1:70000'], 64, /--listen: /],
    [
      ['agents', '--port', '9090'],
      64,
      /unknown option --port; write --listen 127\.0\.0\.1:9090; see host serve --help/,
    ],
    [['agents', '--port=9091'], 64, /write --listen 127\.0\.0\.1:9091;/],
    [['agents', '--port'], 64, /write --listen 127\.0\.0\.1:PORT;/],
    [['agents', '--host', '::'], 64, /unknown option --host; write --listen \[::\]:8080;/],
    [['agents', '--allocation', 'worst-fit'], 64, /unknown option --allocation; write --placement balanced;/],
    [['agents', '--placement', 'worst-fit'], 64, /no placement 'worst-fit'; it is called 'balanced' here/],
    [['agents', '--drian', '5s'], 64, /unknown option --drian, did you mean '--drain'\?/],
    [['agents', '--watch', '--no-watch'], 64, /exclude each other/],
    [['agents', '--log', 'xml'], 64, /neither text nor json/],
    [['agents', '--drain', '5'], 64, /--drain: '5' is not a time/],
    [['agents', '--memory-total', '1'], 64, /--memory-total: '1' is less than 16MiB/],
    [['agents', '--metrics-file', '.'], 64, /the metrics file \. is a folder/],
    [
      ['agents', '--metrics-file', 'none/m.json'],
      64,
      /the metrics file none\/m\.json is to be in .*no folder/,
    ],
    [['agents', '--fuel', 'much'], 64, /--fuel: 'much' is not a limit/],
  ] as const) {
    await using run = serve(...words);
    await run.stderr.until(expected);
    assert.equal(await run.end('SIGCONT'), code, words.join(' '));
  }
  assert.ok(!existsSync(join(home, 'empty/.motehost')));
});
