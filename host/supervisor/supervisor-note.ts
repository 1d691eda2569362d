import type { Exit } from './child.ts';

/** What a supervisor tells whoever runs it. */
export type SupervisorNote =
  | { readonly kind: 'started'; readonly child: string }
  /** `restarts`: how often it was started again so far; `pausedMs`: how long it had to wait before. */
  | {
      readonly kind: 'restarted';
      readonly child: string;
      readonly restarts: number;
      readonly pausedMs: number;
    }
  | { readonly kind: 'exited'; readonly child: string; readonly exit: Exit }
  /** It could not be started; counts as an end. */
  | { readonly kind: 'start-failed'; readonly child: string; readonly why: string }
  | { readonly kind: 'stopped'; readonly child: string }
  /** It did not end in good order within its time. */
  | { readonly kind: 'killed'; readonly child: string }
  /** It was killed and is there still; nobody looks after it any more. */
  | { readonly kind: 'lost'; readonly child: string }
  /** There were too many restarts: every child was stopped, and it is its parent's turn. */
  | { readonly kind: 'escalated'; readonly why: string };
