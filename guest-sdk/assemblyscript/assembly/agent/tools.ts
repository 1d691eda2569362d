// `motehost:agent/tools` with words for the common case: waiting as long as the host does by default.
import { call as callTool, ToolError } from "motehost:agent/tools";
import { Result } from "../result";

export { list, Tool, ToolError, ToolErrorTag } from "motehost:agent/tools";

/** Calls a tool with a JSON object as text; returns JSON text. 0 milliseconds: the host's default. */
export function call(name: string, args: string = "{}", timeoutMs: u32 = 0): Result<string, ToolError> {
  return callTool(name, args, timeoutMs);
}
