// A request router. The world is in ../../wit/router.wit: an exported interface is a namespace here, its resource a
// class, and what it is made of (records, variants) comes from a module of the interface's name.
//
//   host run examples/router/assemblyscript --input 'GET /hello/Ada'
import { Failure, Message, Reply, Result, fail, log, reply, utf8 } from "motehost:agent";
import { Action, Found, Param, Request, RouteError, Target } from "example:router/routing@0.1.0";

class Route {
  segments: string[];

  constructor(public verb: string, public pattern: string, public action: Action) {
    this.segments = pattern.split("/");
  }

  /** The parameters of a path that matches, or null. */
  match(path: string): Param[] | null {
    const parts = path.split("/");
    const params: Param[] = [];
    for (let i = 0; i < this.segments.length; i++) {
      const segment = this.segments[i];
      if (i >= parts.length) return null;
      if (segment == "*") {
        params.push(new Param("*", parts.slice(i).join("/")));
        return params;
      }
      if (segment.startsWith(":") && parts[i].length > 0) params.push(new Param(segment.substring(1), parts[i]));
      else if (segment != parts[i]) return null;
    }
    return parts.length == this.segments.length ? params : null;
  }
}

/** What is wrong with a pattern; empty: nothing. */
function complaint(pattern: string): string {
  if (!pattern.startsWith("/")) return "a pattern begins with /";
  const segments = pattern.split("/");
  for (let i = 0; i < segments.length; i++) {
    if (segments[i] == "*" && i < segments.length - 1) return "* must come last";
    if (segments[i] == ":") return "a parameter needs a name";
  }
  return "";
}

export namespace routing {
  export class Router {
    private routes: Route[] = [];
    private found: u64 = 0;

    constructor(private label: string) {}

    name(): string {
      return this.label;
    }

    add(verb: string, pattern: string, action: Action): Result<u32, RouteError> {
      const wrong = complaint(pattern);
      if (wrong != "") return Result.err<u32, RouteError>(RouteError.badPattern(wrong));
      return Result.ok<u32, RouteError>(this.routes.push(new Route(verb, pattern, action)));
    }

    route(request: Request): Result<Found, RouteError> {
      const verbs: string[] = [];
      for (let i = 0; i < this.routes.length; i++) {
        const route = this.routes[i];
        const params = route.match(request.path);
        if (params === null) continue;
        if (route.verb == request.verb) {
          this.found++;
          return Result.ok<Found, RouteError>(new Found(route.pattern, params, route.action));
        }
        if (!verbs.includes(route.verb)) verbs.push(route.verb);
      }
      const error = verbs.length > 0 ? RouteError.verbNotAllowed(verbs) : RouteError.notFound();
      return Result.err<Found, RouteError>(error);
    }

    patterns(): string[] {
      return this.routes.map<string>((route) => route.pattern);
    }

    hits(): u64 {
      return this.found;
    }
  }
}

function defaultRoutes(): routing.Router {
  const router = new routing.Router("default");
  router.add("GET", "/hello/:name", Action.reply("Hello, {name}!"));
  router.add("GET", "/old/*", Action.redirect("/new"));
  router.add("POST", "/orders", Action.forward(new Target("orders", 500)));
  router.add("GET", "/admin/*", Action.deny());
  return router;
}

const router = defaultRoutes();

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  if (words.length != 2) return fail(Failure.invalid("VERB PATH, please"));
  const routed = router.route(new Request(words[0], words[1], null));
  if (routed.isErr) return refuse(words[1], routed.error);
  log.info("routed", [new log.Field("pattern", routed.value.pattern)]);
  return act(routed.value);
}

function refuse(path: string, error: RouteError): Reply {
  if (error.isVerbNotAllowed) return fail(Failure.unsupported("use " + error.asVerbNotAllowed.join(", ")));
  return fail(Failure.invalid("no route for " + path));
}

function act(found: Found): Reply {
  const action = found.action;
  if (action.isReply) return reply(fill(action.asReply, found.params));
  if (action.isRedirect) return reply("-> " + action.asRedirect);
  if (action.isForward) return reply(`=> ${action.asForward.agent} (${action.asForward.timeoutMs} ms)`);
  return fail(Failure.denied("no way"));
}

/** The text with each `{name}` replaced by the parameter of that name. */
function fill(text: string, params: Param[]): string {
  for (let i = 0; i < params.length; i++) text = text.replaceAll(`{${params[i].name}}`, params[i].value);
  return text;
}
