import type { LocalServing, ServeOptions } from '../../host/serve.ts';
import type { HttpFront, ListenOptions } from '../../http/listen.ts';

/** What `host serve` joins; a test brings its own. */
export interface Parts {
  readonly serve: (options: ServeOptions) => Promise<LocalServing>;
  readonly listen: (serving: LocalServing, options: ListenOptions) => Promise<HttpFront>;
}

/** Those of this host. */
export async function loadParts(): Promise<Parts> {
  const [{ serve }, { listen }] = await Promise.all([
    import('../../host/serve.ts'),
    import('../../http/listen.ts'),
  ]);
  return { serve, listen };
}
