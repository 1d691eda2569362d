import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resolveTarget } from '../../../guest-sdk/build/target.ts';
import { bundleProject } from '../../../guest-sdk/javascript/build/bundle.ts';
import { programOf } from '../../../guest-sdk/javascript/build/componentize.ts';
import { loadEngine } from '../../../guest-sdk/javascript/build/engine.ts';
import { evaluationMsMax } from '../../../guest-sdk/javascript/build/evaluate.ts';
import { type EvaluationJob, jobFiles } from '../../../guest-sdk/javascript/build/evaluation-job.ts';
import { buildWithin } from '../../../guest-sdk/javascript/build/javascript.ts';
import { HostError } from '../../../host/errors.ts';
import { scriptFolder } from '../../support/script-agent.ts';

// What a program's top level can do to the build that evaluates it.

const endless = 'let i = 0;\nwhile (i >= 0) i = 0;\nexport const handle = () => i;\n';

async function projectOf(source: string) {
  const { folder, entry } = scriptFolder({ 'agent.js': source });
  const target = await resolveTarget(folder, 'handler');
  return { folder, name: 'script', entry, target, release: false };
}

async function complaint(source: string, deadlineMs = evaluationMsMax): Promise<string> {
  try {
    await buildWithin(await projectOf(source), deadlineMs);
  } catch (error) {
    assert.ok(error instanceof HostError, String(error));
    assert.equal(error.code, 'HOST_ERR_BUILD_FAILED');
    return error.message;
  }
  return 'no complaint';
}

/** Ids of the processes this one has begun and that are still there. */
function childIds(): string[] {
  const tasks = '/proc/self/task';
  return readdirSync(tasks).flatMap((task) =>
    readFileSync(join(tasks, task, 'children'), 'utf8')
      .split(' ')
      .filter((id) => id !== ''),
  );
}

test('a top level without an end is refused at the deadline, and its process is gone', async () => {
  const before = process.platform === 'linux' ? childIds() : [];
  assert.match(
    await complaint(endless, 1000),
    /^agent\.js: the program's top level did not end within 1 s; what stands outside of functions runs/,
  );
  if (process.platform === 'linux') assert.deepEqual(childIds(), before);
});

test('an evaluation ends with the build that waits for it', async () => {
  const { folder, entry, target, ...rest } = await projectOf(endless);
  assert.ok(target.kind === 'world');
  const program = programOf(await bundleProject({ folder, entry, target, ...rest }, target), target);
  const engine = loadEngine();
  const job: EvaluationJob = { folder: join(folder, 'job'), enginePath: engine.path, world: program.world };
  mkdirSync(job.folder);
  writeFileSync(join(job.folder, jobFiles.world), program.wit);
  writeFileSync(join(job.folder, jobFiles.program), program.code);
  writeFileSync(join(job.folder, jobFiles.runtime), engine.runtime);
  const evaluator = new URL('../../../guest-sdk/javascript/build/evaluator.ts', import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(evaluator), JSON.stringify(job)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  await once(child, 'spawn');
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  assert.ok(!existsSync(job.folder));
});

test('a table too large for a component is refused in one line', async () => {
  const source =
    'const rows = [];\nfor (let i = 0; i < 40000; i++) rows.push(new Array(1000).fill(i));\nexport const handle = () => rows;\n';
  assert.match(
    await complaint(source),
    /^agent\.js: what the program makes at its top level is too large: .*make it in a function, or make less$/,
  );
});

test('what is thrown at top level is shown with its words and place', async () => {
  const cases = {
    'throw new Error("ouch");': '3:11: Error: ouch',
    'const nothing = undefined; export const b = nothing.b;':
      "3:45: Error: cannot read property 'b' of undefined",
    'const x = {}; export const z = x.a.b;': "3:32: Error: cannot read property 'b' of undefined",
  };
  for (const [line, wanted] of Object.entries(cases))
    for (const order of ['before', 'after']) {
      const handle = 'export const handle = () => undefined;\n';
      const source = order === 'before' ? `\n\n${line}\n${handle}` : `\n${handle}${line}\n`;
      const [place, shown, mark] = (await complaint(source)).split('\n');
      assert.equal(place, `agent.js:${wanted}`, order);
      assert.equal(shown, `  3 | ${line}`);
      assert.match(mark ?? '', /^ +\^$/);
    }
});

test('a value thrown at top level that is no Error is shown without a place', async () => {
  const thrown = (value: string): Promise<string> =>
    complaint(`throw ${value};\nexport const handle = () => undefined;\n`);
  const words = "agent.js: the program's top level threw what is no Error:";
  assert.equal(await thrown("'a text'"), `${words} "a text"`);
  assert.equal(await thrown('5'), `${words} Int(5)`);
  assert.equal(await thrown('{}'), `${words} Object`);
});
