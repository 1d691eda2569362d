// Has a run folder until it is killed.
import { RunFolder } from '../../host/host/state/run-folder.ts';

const { path } = new RunFolder(process.argv[2]);
process.stdout.write(`${path}\n`);
setInterval(() => {}, 1000);
