/** How a child came to its end: by itself and in good order, because it was asked to, or not in order. */
export type Exit =
  | { readonly kind: 'normal' }
  | { readonly kind: 'shutdown' }
  /** `why` is for people. */
  | { readonly kind: 'failed'; readonly why: string };

/** Whatever a supervisor keeps alive: an agent, a container, another supervisor. */
export interface Child {
  /** Resolves once, when it is no more, whoever ended it; never rejects. */
  readonly ended: Promise<Exit>;
  /** Asks it to end in good order; `ended` tells when it has. Must not throw. */
  stop(): void;
  /** Ends it whatever it does. Must not throw. */
  kill(): void;
}

export const failed = (thrown: unknown): Exit => ({
  kind: 'failed',
  why: thrown instanceof Error ? thrown.message : String(thrown),
});
