import { getTestContext } from 'node:test';

const shownCharsMax = 16_384;
const open = new Set<() => void>();
// A file that is ended before its tests are leaves no process behind.
process.on('exit', () => {
  for (const end of open) end();
});

/**
 * Binds a process to the test that starts it: it is ended when the test is, also when that waits for it in vain until its
 * time is over, and what it `said`, if anything, is shown when the test fails. Outside of a test it does nothing.
 */
export function ofTest(end: () => void, said: () => string): void {
  const context = getTestContext();
  if (context === undefined || !('after' in context)) return;
  context.signal.addEventListener('abort', end);
  open.add(end);
  context.after(() => {
    open.delete(end);
    end();
    const text = context.passed ? '' : said();
    if (text !== '') context.diagnostic(text.slice(-shownCharsMax));
  });
}
