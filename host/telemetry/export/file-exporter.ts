import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '../../errors.ts';
import { systemFault } from '../../system-fault.ts';
import { snapshotText } from '../metrics-snapshot.ts';
import { ExportTally, type MetricsExporter, type Reading } from './exporter.ts';

export interface FileExporterOptions {
  readonly path: string;
  readonly isPretty: boolean;
  /** Snapshots kept beside the latest, as `PATH.1` (the youngest), `PATH.2`, …; the oldest go. */
  readonly earlierMax: number;
}

/** Numbers of a snapshot: what is lost with a file that was not written. */
const snapshotPoints = 20;

/**
 * Keeps the latest snapshot in a file. Whoever reads it finds a whole one, whenever they look and whatever happens to
 * the host: a new one is written beside it, put on disk, and takes its name.
 */
export class FileExporter implements MetricsExporter {
  readonly name = 'file';
  readonly counts: ExportTally = new ExportTally();
  readonly #options: FileExporterOptions;
  #isShut = false;

  constructor(options: FileExporterOptions) {
    this.#options = options;
  }

  async export({ snapshot }: Reading): Promise<void> {
    const { path, isPretty } = this.#options;
    if (this.#isShut)
      throw new HostError('HOST_ERR_METRICS_EXPORT', 'metrics export failed: the exporter was shut down');
    try {
      await this.#write(snapshotText(snapshot, isPretty));
      this.counts.exported += 1;
    } catch (cause) {
      this.counts.failed += 1;
      this.counts.droppedPoints += snapshotPoints;
      const why = systemFault(cause);
      throw new HostError('HOST_ERR_METRICS_IO', `I/O error: ${path}: ${why}`, { path }, cause);
    }
  }

  async #write(text: string): Promise<void> {
    const { path } = this.#options;
    await fs.mkdir(dirname(path), { recursive: true });
    // A name nobody can have made a link of beforehand: the folder may be one that all write to.
    const beside = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      const file = await fs.open(beside, 'wx', 0o644);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#moveOn();
      await fs.rename(beside, path);
    } catch (thrown) {
      await fs.rm(beside, { force: true });
      throw thrown;
    }
    await syncFolder(dirname(path));
  }

  /** The one there is becomes the first of the earlier ones; it stays under its own name until it is replaced. */
  async #moveOn(): Promise<void> {
    const { path, earlierMax } = this.#options;
    for (let at = earlierMax; at > 1; at -= 1) await renamed(`${path}.${at - 1}`, `${path}.${at}`);
    if (earlierMax === 0) return;
    await fs.rm(`${path}.1`, { force: true });
    await fs.link(path, `${path}.1`).catch(unlessMissing);
  }

  async shutdown(): Promise<void> {
    this.#isShut = true;
  }
}

async function renamed(from: string, to: string): Promise<void> {
  await fs.rename(from, to).catch(unlessMissing);
}

function unlessMissing(thrown: unknown): void {
  if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
}

/** A new name is on disk once its folder is; systems that cannot open folders need no such thing. */
async function syncFolder(folder: string): Promise<void> {
  const opened = await fs.open(folder, 'r').catch(() => undefined);
  await opened?.sync().catch(() => {});
  await opened?.close();
}
