import { args, env, exit, stderr, stdin, stdout } from "motehost:command";

export function main(): i32 {
  const words = args();
  const mode = words.length == 0 ? "" : words[0];
  if (mode == "args") {
    stdout.line(words.join("|"));
  } else if (mode == "env") {
    const value = env(words[1]);
    stdout.line(value === null ? "(none)" : value);
  } else if (mode == "lines") {
    for (let line = stdin.line(); line !== null; line = stdin.line()) stdout.line("[" + line + "]");
  } else if (mode == "text") {
    const text = stdin.text();
    stdout.write(text);
    stderr.line(text.length.toString());
  } else if (mode == "chunks") {
    for (let chunk = stdin.read(); chunk !== null; chunk = stdin.read()) stdout.write(chunk);
  } else if (mode == "console") {
    console.log("out");
    console.error("err ü🌍");
    trace("traced", 1, 4);
    stdout.line((Date.now() > 1_000_000_000_000 && Math.random() < 1 && performance.now() > 0).toString());
  } else if (mode == "throw") {
    throw new Error("bad ü🌍 thing");
  } else if (mode == "exit") {
    exit(3);
    stdout.line("not reached");
  }
  return 7;
}
