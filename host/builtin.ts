/**
 * Node's own modules for the path that every short run takes. An `import` of `node:fs` or `node:util` makes
 * Node evaluate every lazy export of it (streams, readline, worker threads): 5 to 10 ms, a third of a whole
 * `host run`. Taken this way they load nothing more than is used. Other code imports as usual.
 */
export const fs: typeof import('node:fs') = process.getBuiltinModule('node:fs');
export const os: typeof import('node:os') = process.getBuiltinModule('node:os');
export const path: typeof import('node:path') = process.getBuiltinModule('node:path');
export const util: typeof import('node:util') = process.getBuiltinModule('node:util');
