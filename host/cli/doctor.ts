import { accessSync, constants, readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { systemClock, systemRandom } from '../clock.ts';
import { cacheFolder } from '../config.ts';
import { createHost } from '../host.ts';
import { systemFault } from '../system-fault.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { formatBytes } from './report.ts';

/** One thing `host doctor` looked at: fine, worth knowing, or in the way. */
export interface Finding {
  readonly level: 'ok' | 'note' | 'bad';
  readonly name: string;
  readonly text: string;
}

const mapCountDefault = 65_530;
const mapCountAdvised = 262_144;
const freeBytesAdvised = 512 * 1024 * 1024;

export const command: Command = {
  summary: 'check that this machine can run agents, and what bounds it',
  help: `host doctor: checks this machine

Usage: host doctor [--json]

Looks at Node, JSPI, the kernel's mapping limit, memory and the cache folder. Exit code 0 when agents can
run here, 69 when something is in the way.
`,
  run: async (words) => {
    const findings = examine();
    if (wantsJson(words)) process.stdout.write(`${JSON.stringify(findings)}\n`);
    else
      for (const { level, name, text } of findings)
        process.stdout.write(`${level.padEnd(5)} ${name.padEnd(18)} ${text}\n`);
    return findings.some(({ level }) => level === 'bad') ? exitCodes.unavailable : exitCodes.ok;
  },
};

function wantsJson(words: readonly string[]): boolean {
  try {
    return flagsOf(words, { json: { type: 'boolean' } }, false).values.json === true;
  } catch (cause) {
    throw flagError('doctor', cause, ['json']);
  }
}

/** All findings, in the order a person would mend them. */
export function examine(): Finding[] {
  return [node(), jspi(), guestRuns(), mapCount(), memory(), addressSpace(), fileWalk(), cache()];
}

/** Linux walks paths by open directories, which nothing can swap under it; elsewhere each path is checked, then used. */
function fileWalk(): Finding {
  const isPinned = readText('/proc/self/limits') !== undefined;
  return {
    level: isPinned ? 'ok' : 'note',
    name: 'granted folders',
    text: isPinned
      ? 'walked by open directories'
      : 'no /proc here: paths are checked and then used, which another program could race',
  };
}

function node(): Finding {
  const isNewEnough = Number(process.versions.node.split('.')[0]) >= 26;
  const text = `${process.versions.node}, V8 ${process.versions.v8}, ${process.platform}-${process.arch}`;
  return {
    level: isNewEnough ? 'ok' : 'bad',
    name: 'node',
    text: isNewEnough ? text : `${text}; needs 26 or newer: npm ci brings it`,
  };
}

function jspi(): Finding {
  const isThere =
    typeof WebAssembly === 'object' && 'Suspending' in WebAssembly && 'promising' in WebAssembly;
  return {
    level: isThere ? 'ok' : 'bad',
    name: 'JSPI',
    text: isThere
      ? 'agents can wait without a thread'
      : 'missing: use Node 26 or newer, and no flag that turns it off',
  };
}

/** The smallest module with a memory: proves that guests can be compiled and their memory be reserved. */
function guestRuns(): Finding {
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1]);
  try {
    new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return { level: 'ok', name: 'WebAssembly', text: 'compiles, and a memory can be made' };
  } catch (error) {
    const reason = systemFault(error);
    return {
      level: 'bad',
      name: 'WebAssembly',
      text: `${reason}; each memory reserves 8 GiB of addresses: lift ulimit -v`,
    };
  }
}

function mapCount(): Finding {
  const name = 'vm.max_map_count';
  const count = readNumber('/proc/sys/vm/max_map_count');
  if (count === undefined) return { level: 'note', name, text: 'not told by this system' };
  if (count > mapCountDefault) return { level: 'ok', name, text: String(count) };
  return {
    level: 'note',
    name,
    text: `${count}: enough for some thousand live agents; for more: sysctl -w vm.max_map_count=${mapCountAdvised}`,
  };
}

function memory(): Finding {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const free = Math.min(process.availableMemory?.() ?? freemem(), total);
  const text = `${formatBytes(free)} free of ${formatBytes(total)}`;
  return { level: free < freeBytesAdvised ? 'note' : 'ok', name: 'memory', text };
}

function addressSpace(): Finding {
  const name = 'address space';
  const line = readText('/proc/self/limits')
    ?.split('\n')
    .find((entry) => entry.startsWith('Max address space'));
  if (line === undefined || line.includes('unlimited')) return { level: 'ok', name, text: 'unlimited' };
  return {
    level: 'note',
    name,
    text: `limited (${line.trim().split(/\s+/)[3]} bytes): each agent's memory reserves 8 GiB of addresses`,
  };
}

function cache(): Finding {
  const folder = cacheFolder(process.env);
  try {
    createHost({ cacheFolder: folder, clock: systemClock, random: systemRandom });
    const isWritable = canWrite(folder);
    return {
      level: isWritable ? 'ok' : 'note',
      name: 'cache',
      text: isWritable ? folder : `${folder} cannot be written: every run prepares anew`,
    };
  } catch (error) {
    return { level: 'bad', name: 'cache', text: systemFault(error) };
  }
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text === undefined ? undefined : Number(text.trim());
}
