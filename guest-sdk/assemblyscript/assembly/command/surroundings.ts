import { args_get, args_sizes_get, environ_get, environ_sizes_get, proc_exit, results } from "./preview1";

/** The program's arguments, without its own name. */
export function args(): string[] {
  if (args_sizes_get(results, results + 4) != 0) return [];
  const count = load<i32>(results);
  const pointers = new StaticArray<usize>(count);
  const bytes = new ArrayBuffer(load<i32>(results, 4));
  if (args_get(changetype<usize>(pointers), changetype<usize>(bytes)) != 0) return [];
  return textsOf(pointers).slice(1);
}

/** The value of an environment variable; null: not set. */
export function env(name: string): string | null {
  if (environ_sizes_get(results, results + 4) != 0) return null;
  const pointers = new StaticArray<usize>(load<i32>(results));
  const bytes = new ArrayBuffer(load<i32>(results, 4));
  if (environ_get(changetype<usize>(pointers), changetype<usize>(bytes)) != 0) return null;
  const prefix = name + "=";
  const variables = textsOf(pointers);
  for (let i = 0; i < variables.length; i++) {
    if (variables[i].startsWith(prefix)) return variables[i].substring(prefix.length);
  }
  return null;
}

/** Ends the program at once with an exit code from 0 to 255. */
export function exit(code: i32): void {
  proc_exit(code);
  unreachable();
}

function textsOf(pointers: StaticArray<usize>): string[] {
  const texts: string[] = [];
  for (let i = 0; i < pointers.length; i++) {
    let end = pointers[i];
    while (load<u8>(end) != 0) end++;
    texts.push(String.UTF8.decodeUnsafe(pointers[i], end - pointers[i]));
  }
  return texts;
}
