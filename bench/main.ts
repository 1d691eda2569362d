// Runs the benches: `npm run bench` all of them, `npm run bench -- fuel meter` the named ones.
// `--quick` for a glance, `--part NAME` for one part of those that have several (`neighbour`, `residents`), `--json FILE`
// for the figures as data. The exit code is 1 when a target is missed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineText, readMachine } from './machine.ts';
import { type Bench, type Report, reportText } from './report.ts';

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  fuel: async () => (await import('./fuel.ts')).bench,
  meter: async () => (await import('./meter.ts')).bench,
  instantiate: async () => (await import('./instantiate.ts')).bench,
  call: async () => (await import('./call.ts')).bench,
  'cold-start': async () => (await import('./cold-start.ts')).bench,
  agents: async () => (await import('./agents.ts')).bench,
  ring: async () => (await import('./ring.ts')).bench,
  residents: async () => (await import('./residents.ts')).bench,
  sleepers: async () => (await import('./sleepers.ts')).bench,
  soak: async () => (await import('./soak.ts')).bench,
  hibernate: async () => (await import('./hibernate.ts')).bench,
  waiting: async () => (await import('./waiting.ts')).bench,
  parked: async () => (await import('./parked.ts')).bench,
  'cold-store': async () => (await import('./cold-store.ts')).bench,
  journal: async () => (await import('./journal.ts')).bench,
  state: async () => (await import('./state.ts')).bench,
  triggers: async () => (await import('./triggers.ts')).bench,
  bus: async () => (await import('./bus.ts')).bench,
  messages: async () => (await import('./messages.ts')).bench,
  http: async () => (await import('./http.ts')).bench,
  'idle-connections': async () => (await import('./idle-connections.ts')).bench,
  neighbour: async () => (await import('./neighbour.ts')).bench,
  profiles: async () => (await import('./profiles.ts')).bench,
  restart: async () => (await import('./restart.ts')).bench,
  wheel: async () => (await import('./wheel.ts')).bench,
  replay: async () => (await import('./replay.ts')).bench,
  capability: async () => (await import('./capability.ts')).bench,
  policy: async () => (await import('./policy.ts')).bench,
  pause: async () => (await import('./pause.ts')).bench,
  audit: async () => (await import('./audit.ts')).bench,
  audited: async () => (await import('./audited.ts')).bench,
  orchestration: async () => (await import('./orchestration.ts')).bench,
  identity: async () => (await import('./identity.ts')).bench,
  scheduler: async () => (await import('./scheduler.ts')).bench,
  preemption: async () => (await import('./preemption.ts')).bench,
  'fair-share': async () => (await import('./fair-share.ts')).bench,
  stealing: async () => (await import('./stealing.ts')).bench,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    part: { type: 'string' },
    json: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  );
  process.exit(64);
}

const machine = readMachine();
process.stdout.write(`${machineText(machine)}\n\n`);
const reports: Record<string, Report> = {};
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const bench = await benches[name]?.();
  if (bench === undefined) continue;
  reports[name] = await bench.run({ quick: values.quick, part: values.part });
  process.stdout.write(`${reportText(reports[name])}\n`);
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, reports }, null, 2)}\n`);
if (Object.values(reports).some((report) => report.marks.some((mark) => !mark.met))) process.exitCode = 1;
