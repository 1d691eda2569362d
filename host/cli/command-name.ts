/** How the person at hand calls this program: `npx host` where npm started it, `host` else. */
export function commandName(): string {
  return process.env.npm_command === 'exec' ? 'npx host' : 'host';
}
