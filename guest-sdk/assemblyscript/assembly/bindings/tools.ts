import { give, liftOptionString, liftString, newList, results, setItem } from "../abi/memory";
import { Result } from "../result";

// @ts-ignore: decorator
@external("motehost:agent/tools@0.1.0", "list")
declare function __list(result: usize): void;
// @ts-ignore: decorator
@external("motehost:agent/tools@0.1.0", "call")
declare function __call(
  name: usize, nameUnits: i32, args: usize, argsUnits: i32, timeoutMs: u32, result: usize,
): void;

export enum ToolErrorTag {
  denied, unavailable, invalidArguments, timedOut, tooLarge, rateLimited, failed, cancelled, other,
}

/** Why a tool was not called or did not answer. */
export class ToolError {
  constructor(
    readonly tag: ToolErrorTag,
    /** The limit in bytes (`tooLarge`) or milliseconds to wait (`rateLimited`), otherwise 0. */
    readonly amount: u64,
    /** The words of `invalidArguments`, `failed` and `other`, otherwise empty. */
    readonly text: string,
  ) {}
}

/** A tool as the host vouches for it. */
export class Tool {
  constructor(
    public name: string,
    public description: string,
    /** JSON Schema of the arguments, as JSON text. */
    public inputSchema: string,
    public outputSchema: string | null,
  ) {}
}

/** The tools this agent may call, sorted by name. */
export function list(): Result<Tool[], ToolError> {
  __list(results);
  if (load<u8>(results) != 0) return Result.err<Tool[], ToolError>(liftToolError());
  const first = load<usize>(results, 8);
  const count = load<i32>(results, 12);
  const tools = newList<Tool>(count);
  for (let i = 0; i < count; i++) {
    const at = first + <usize>i * 36;
    const tool = new Tool(liftString(at), liftString(at + 8), liftString(at + 16), liftOptionString(at + 24));
    setItem<Tool>(tools, i, tool);
  }
  if (count != 0) give(first);
  return Result.ok<Tool[], ToolError>(tools);
}

/** Calls a tool with a JSON object as text; returns JSON text. 0 milliseconds: the host's default. */
export function call(name: string, args: string, timeoutMs: u32): Result<string, ToolError> {
  __call(changetype<usize>(name), name.length, changetype<usize>(args), args.length, timeoutMs, results);
  if (load<u8>(results) != 0) return Result.err<string, ToolError>(liftToolError());
  return Result.ok<string, ToolError>(liftString(results + 8));
}

function liftToolError(): ToolError {
  const at = results + 8;
  const tag = <ToolErrorTag>load<u8>(at);
  if (tag == ToolErrorTag.tooLarge) return new ToolError(tag, load<u64>(at, 8), "");
  if (tag == ToolErrorTag.rateLimited) return new ToolError(tag, load<u32>(at, 8), "");
  if (tag == ToolErrorTag.invalidArguments || tag == ToolErrorTag.failed || tag == ToolErrorTag.other)
    return new ToolError(tag, 0, liftString(at + 8));
  return new ToolError(tag, 0, "");
}
