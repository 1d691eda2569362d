import { args, env, stdin, stdout, stderr, exit } from "motehost:command";
export function main(): i32 {
  stdout.line("args " + args().join(","));
  const x = env("X"), z = env("Z"); stdout.line((x === null ? "-" : x) + (z === null ? "-" : z));
  for (let l = stdin.line(); l !== null; l = stdin.line()) stdout.line("[" + l + "]");
  console.log("log"); console.error("err ü🌍"); stdout.write("no newline"); stdout.write(new Uint8Array(1));
  trace("t", 1, 4);
  stdout.line(Date.now() > 1000000 ? "date" : "?"); stdout.line(Math.random() < 1 ? "rnd" : "?");
  if (args().length == 2) throw new Error("bad ü🌍 thing");
  return 7;
}
