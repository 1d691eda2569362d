import { isMainThread } from 'node:worker_threads';

/** More than any file takes, on a machine that does much else. */
const fileMsMax = 420_000;

/** Loaded before a test file: a test that failed may leave behind what would keep the file's process for ever. */
if (isMainThread && process.env.NODE_TEST_CONTEXT !== undefined)
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`the file did not end in ${fileMsMax / 1000} s; still open: ${open}\n`);
    process.exit(1);
  }, fileMsMax).unref();
