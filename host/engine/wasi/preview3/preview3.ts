import type { HostInterface } from '../../linker.ts';
import type { WasiGrants } from '../grants.ts';
import type { Preopened } from '../preview2/filesystem.ts';
import type { Guest } from '../preview2/guest.ts';
import { cli } from './cli.ts';
import { clocks } from './clocks.ts';
import { filesystem } from './filesystem.ts';
import { random } from './random.ts';

/** WASI 0.3 without its network (wasi:cli, clocks, filesystem, random) for one guest, which shares its handles and waits with WASI 0.2. */
export function wasi3(guest: Guest, grants: WasiGrants, files: Preopened): [string, HostInterface][] {
  return [
    ...cli(guest, grants),
    ...clocks(guest, grants.clock),
    ...filesystem(guest, files),
    ...random(guest, grants.random),
  ];
}
