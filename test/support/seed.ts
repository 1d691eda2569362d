/**
 * The first seed of a generated test: what the environment variable `name` says, `random` for a new one each time
 * (the test's message names it), else always the same, so that a change is judged by itself and not by luck.
 */
export function seedOf(name: string): number {
  const asked = process.env[name];
  return asked === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(asked ?? 20_260_101);
}
