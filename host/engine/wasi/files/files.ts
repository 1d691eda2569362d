import { HostError } from '../../../errors.ts';
import type { Budget } from '../../budget.ts';
import type { Preopen } from '../grants.ts';
import { type Anchor, checkedPathAnchor, descriptorAnchor, hasDescriptorPaths } from './anchor.ts';
import { Directory } from './directory.ts';
import { Disk } from './disk.ts';
import type { Files } from './port.ts';
import { Tree } from './tree.ts';

export interface FilesOptions {
  /** Default: `descriptor` where the system can, otherwise `checked-path`; see `Files.anchoring`. */
  readonly anchoring?: Files['anchoring'];
}

/**
 * Opens an agent's preopened directories. They do not count as open files: the host opened them.
 * @throws HostError `HOST_ERR_GRANT_INVALID` for a directory that is not there or is not one
 */
export async function openFiles(
  preopens: readonly Preopen[],
  budget: Budget,
  options: FilesOptions = {},
): Promise<Files> {
  const disk = new Disk(budget.clock);
  const kind = options.anchoring ?? (hasDescriptorPaths() ? 'descriptor' : 'checked-path');
  const anchor = kind === 'descriptor' ? descriptorAnchor(disk) : checkedPathAnchor(disk);
  const tree = new Tree(anchor, disk, budget);
  const opened: { guestPath: string; directory: Directory }[] = [];
  const dispose = (): void => {
    tree.closeAll();
    for (const { directory } of opened) directory.closeForGood();
  };
  try {
    for (const preopen of preopens) {
      const directory = new Directory(tree, await openRoot(anchor, preopen), preopen, preopen.hostPath, true);
      opened.push({ guestPath: preopen.guestPath, directory });
    }
  } catch (thrown) {
    dispose();
    throw thrown;
  }
  return { preopens: opened, anchoring: kind, dispose };
}

async function openRoot(anchor: Anchor, preopen: Preopen): ReturnType<Anchor['root']> {
  try {
    return await anchor.root(preopen.hostPath);
  } catch (thrown) {
    throw new HostError(
      'HOST_ERR_GRANT_INVALID',
      `cannot give the guest '${preopen.hostPath}' as '${preopen.guestPath}': it is not a directory that can be opened`,
      { ...preopen },
      thrown,
    );
  }
}
