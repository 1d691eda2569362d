import type { LocalServing, ServeOptions } from '../../host/serve.ts';

export type { LocalAgent, LocalServing, ServeOptions } from '../../host/serve.ts';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly stateFolder: string;
  /** Tokens are asked for even on loopback. */
  readonly auth: boolean;
}

/** A front door that is open. */
export interface Listening {
  /** With the port that was taken. */
  readonly url: string;
  /** Everybody who reaches it may do everything. */
  readonly authOff: boolean;
  /** Takes nothing new, ends streams, lets answers go out for so long, then cuts the rest. */
  close(drainMs: number): Promise<void>;
}

/** What `host serve` joins; a test brings its own. */
export interface Parts {
  readonly serve: (options: ServeOptions) => Promise<LocalServing>;
  readonly listen: (serving: LocalServing, options: ListenOptions) => Promise<Listening>;
}

/** Those of this host. */
export async function loadParts(): Promise<Parts> {
  const { serve } = await import('../../host/serve.ts');
  return {
    serve,
    listen: async (serving, { host, port, stateFolder, auth }) => {
      const { listen } = await import('../../http/listen.ts');
      return listen(serving, { host, port, stateFolder, auth });
    },
  };
}
