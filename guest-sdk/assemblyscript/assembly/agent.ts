// What an agent imports from "motehost:agent": the world's types under their own names, one namespace per
// interface, and the few words every agent needs.
export { CustomFailure, Failure, FailureTag, Header, Message, Payload } from "./bindings/types";
export { Box, Result, Unit } from "./result";
export { Reply, fail, noReply, payload, reply } from "./agent/reply";

import * as bus from "./bindings/bus";
import * as context from "./bindings/context";
import * as log from "./agent/log";
import * as random from "./bindings/random";
import * as tools from "./bindings/tools";
import * as utf8 from "./agent/utf8";
export { bus, context, log, random, tools, utf8 };
