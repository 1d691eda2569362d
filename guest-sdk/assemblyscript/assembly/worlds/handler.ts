import { giveLowered, lowerBytes } from "../abi/memory";
import { Failure, giveFailure, lowerFailure } from "../bindings/types";
import { Result } from "../result";

// result<option<list<u8>>, failure>; read by the host until it calls `cabi_post_handle`.
const area: usize = memory.data(36, 4);

export function lowerReply(reply: Result<Uint8Array | null, Failure>): usize {
  store<u8>(area, reply.isOk ? 0 : 1);
  if (!reply.isOk) {
    lowerFailure(reply.unwrapError(), area + 4);
    return area;
  }
  const body = reply.unwrap();
  store<u8>(area, body == null ? 0 : 1, 4);
  if (body != null) lowerBytes(body, area + 8);
  return area;
}

export function giveReply(): void {
  if (load<u8>(area) != 0) giveFailure(area + 4);
  else if (load<u8>(area, 4) != 0) giveLowered(area + 8);
}
