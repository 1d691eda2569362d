// What a command imports from "motehost:command": a WASI program has arguments, an environment, three streams
// and an exit code.
import { Input, Output } from "./command/stream";

export { Input, Output };
export { args, env, exit } from "./command/surroundings";

// @ts-ignore: decorator
@lazy export const stdin: Input = new Input(0);
// @ts-ignore: decorator
@lazy export const stdout: Output = new Output(1);
// @ts-ignore: decorator
@lazy export const stderr: Output = new Output(2);
