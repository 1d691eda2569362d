import { fs, path as paths } from './builtin.ts';

/**
 * Makes a folder and those above it that are missing, for its owner alone if `mode` says so. One level at a
 * time: Node's own recursive mkdir never returns where the system answers ENOENT to a mkdir, as in /proc.
 * @throws the system's error when one cannot be made
 */
export function makeFolder(path: string, mode?: number): void {
  const missing: string[] = [];
  for (let at = paths.resolve(path); !fs.existsSync(at); at = paths.dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      fs.mkdirSync(folder, mode === undefined ? {} : { mode });
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
    }
  }
}
