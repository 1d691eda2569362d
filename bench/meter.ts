import { meter } from '../host/engine/meter/meter.ts';
import { hasPeers, realModules } from './corpus.ts';
import { measureFresh } from './fresh.ts';
import { atMost, type Bench, type Report, round } from './report.ts';
import { alternate, median, percentile } from './samples.ts';

interface Measured {
  readonly name: string;
  readonly bytes: number;
  readonly meteredBytes: number;
  readonly firstMs: number;
  readonly warmMs: number;
  readonly bestMs: number;
  /** V8's own validation of the same bytes, as a yardstick. */
  readonly validateMs: number;
  readonly valid: boolean;
}

async function measure(rounds: number): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const { name, bytes } of await realModules()) {
    const fromMs = performance.now();
    const result = meter(bytes, { fuelCell: 'own' }).bytes;
    const firstMs = performance.now() - fromMs;
    const samples = await alternate(
      [
        { name: 'meter', run: () => meter(bytes, { fuelCell: 'own' }) },
        { name: 'validate', run: () => WebAssembly.validate(bytes) },
      ],
      rounds,
    );
    const warm = (samples.get('meter') ?? []).slice(Math.floor(rounds / 3));
    measured.push({
      name,
      bytes: bytes.length,
      meteredBytes: result.length,
      firstMs,
      warmMs: median(warm),
      bestMs: percentile(warm, 0),
      validateMs: median(samples.get('validate') ?? []),
      valid: WebAssembly.validate(result),
    });
  }
  return measured;
}

const megabyte = 1e6;
const targets = [
  { name: 'QuickJS', bytes: 1.3 * megabyte, maxMs: 60, standIn: 'wasm-tools' },
  { name: 'StarlingMonkey', bytes: 12 * megabyte, maxMs: 250, standIn: 'component bindgen' },
] as const;

function report(measured: readonly Measured[]): Report {
  const rows = measured.map((one) => [
    one.name,
    round(one.bytes / megabyte),
    round(one.firstMs),
    round(one.warmMs),
    round(one.bestMs),
    round(one.bytes / megabyte / (one.warmMs / 1000)),
    round(one.validateMs),
    (one.meteredBytes / one.bytes).toFixed(2),
    one.valid ? 'yes' : 'NO',
  ]);
  const marks = targets.map(({ name, bytes, maxMs, standIn }) => {
    const real = measured.find((one) => one.name === name);
    const other = measured.find((one) => one.name === standIn);
    const scaledMs = other === undefined ? Number.NaN : (other.warmMs * bytes) / other.bytes;
    const label = `${round(bytes / megabyte)} MB${real === undefined ? `, scaled by bytes from ${standIn}` : ` (${name})`}`;
    return atMost(label, real?.warmMs ?? scaledMs, maxMs, 'ms');
  });
  const invalid = measured.filter((one) => !one.valid).length;
  return {
    question,
    columns: ['module', 'MB', 'first ms', 'warm ms', 'best ms', 'MB/s', 'validate ms', 'size', 'valid'],
    rows,
    marks: [...marks, atMost('rewritten modules that do not validate', invalid, 0, 'modules')],
    remarks: [
      'first: the first module of a process, not yet optimized (the rows above it warm the later ones).',
      "validate: V8's own validation of the plain module, in the same rounds.",
      ...(hasPeers
        ? []
        : ['the peers are not installed: npm ci --prefix bench/peers brings the 1.3 and 12 MB modules.']),
    ],
  };
}

const question = 'How fast are modules rewritten for metering?';

export const bench: Bench = {
  name: 'meter',
  question,
  run: async (effort) => report(measureFresh<Measured[]>(import.meta.filename, [effort.quick ? '6' : '21'])),
};

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
