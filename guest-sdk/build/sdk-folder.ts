import assert from 'node:assert';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

const packageFile = findPackageJSON(import.meta.url);
assert(packageFile !== undefined, 'the builder lies in a package');

/** `guest-sdk` in the package: its sources lie there once, also where this file runs from `dist/`. */
export const sdkFolder: string = join(dirname(packageFile), 'guest-sdk');
