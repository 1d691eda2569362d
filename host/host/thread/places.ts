import { join } from 'node:path';
import type { Directory } from '../../bus/directory.ts';
import type { Program } from '../../engine/engine.ts';
import type { ResidenceShare } from '../../engine/residence.ts';
import type { StealBoard } from '../../scheduler/steal-board.ts';
import type { WorkloadMemory } from '../../scheduler/workload.ts';
import type { ServeOptions } from '../local-serving.ts';
import type { RunFolder } from '../state/run-folder.ts';
import type { StateFolder } from '../state/state-folder.ts';
import type { Trust } from '../trust/trust.ts';
import type { ThreadPlace, ThreadSettings } from './control.ts';

const warmBytesDefault = 256 * 1024 * 1024;
const historyBytesDefault = 1024 * 1024 * 1024;

/** What the threads of a host share. */
export interface ThreadPlacesRooms {
  readonly options: ServeOptions;
  readonly directory: Directory;
  readonly residence: ResidenceShare;
  readonly workload: WorkloadMemory;
  readonly state: StateFolder;
  readonly trust: Trust;
  readonly runFolder: RunFolder;
  readonly startedAtMs: number;
  readonly subscriptionsFrom: number;
  readonly stealBoard: StealBoard;
  readonly policyProgram: Program | undefined;
}

/** What threads are started with, and told when they take their place. */
export class ThreadPlaces {
  readonly #rooms: ThreadPlacesRooms;

  constructor(rooms: ThreadPlacesRooms) {
    this.#rooms = rooms;
  }

  get settings(): ThreadSettings {
    const { cacheFolder, threads, warmBytesMax = warmBytesDefault } = this.#rooms.options;
    return {
      cacheFolder,
      directory: this.#rooms.directory.shared,
      residence: this.#rooms.residence,
      workload: this.#rooms.workload,
      warmBytesMax: Math.floor(warmBytesMax / threads),
      historyBytesMax: this.#rooms.options.historyBytesMax ?? historyBytesDefault,
      threads,
      startedMs: this.#rooms.startedAtMs,
      logLevelMin: 'info',
      scheduler: this.#rooms.options.scheduler ?? {},
      stealBoard: this.#rooms.stealBoard.shared,
      policyProgram: this.#rooms.policyProgram,
    };
  }

  placeOf(thread: number): Omit<ThreadPlace, 'links' | 'predecessors'> {
    const { coldLeft, coldOf, journalOf } = this.#rooms.state;
    const { threads } = this.#rooms.options;
    const orphaned = coldLeft.map(Number).filter((number) => number > threads);
    return {
      socketPath: this.socketPathOf(thread),
      subscriptionsFrom: this.#rooms.subscriptionsFrom,
      trust: this.#rooms.trust.line(),
      coldFolder: coldOf(thread),
      journalFolder: journalOf(thread),
      historyFolder: this.#rooms.state.historyFolder,
      repairJournal: this.#rooms.options.repairJournal ?? false,
      adoptCold: orphaned.filter((number) => number % threads === thread - 1).map(coldOf),
    };
  }

  socketPathOf(thread: number): string {
    const name = `motehost-${process.pid}-${thread}`;
    return process.platform === 'win32'
      ? `\\\\.\\pipe\\${name}`
      : join(this.#rooms.runFolder.path, `${thread}.sock`);
  }
}
