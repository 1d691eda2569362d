// A request router, as `wit/router.wit` has it: a resource that anybody may use, and an agent that uses it itself.
//
//   host run examples/router/rust --input 'GET /hello/Ada'
mod pattern;
mod router;

use motehost::{reply, Reply};

use exports::example::router::routing::{
    self, Action, GuestRouter, Param, Request, RouteError, Target,
};
use router::Router;

motehost::world!();
export!(Agent);

struct Agent;

impl routing::Guest for Agent {
    type Router = Router;
}

impl Guest for Agent {
    fn handle(message: Message) -> Reply {
        let request = request_of(&message).ok_or(Failure::invalid("VERB PATH, please"))?;
        let path = request.path.clone();
        let found = ROUTES
            .with(|routes| routes.route(request))
            .map_err(|error| match error {
                RouteError::VerbNotAllowed(verbs) => {
                    Failure::unsupported(format!("use {}", verbs.join(", ")))
                }
                _ => Failure::invalid(format!("no route for {path}")),
            })?;
        match found.action {
            Action::Reply(text) => reply(fill_in(text, &found.params)),
            Action::Redirect(place) => reply(format!("-> {place}")),
            Action::Forward(Target { agent, timeout_ms }) => {
                reply(format!("=> {agent} ({timeout_ms} ms)"))
            }
            Action::Deny => Err(Failure::denied("no way")),
        }
    }
}

thread_local! {
    static ROUTES: Router = routes().expect("these patterns are good");
}

fn routes() -> Result<Router, RouteError> {
    let router = Router::new("requests".into());
    let add = |verb: &str, pattern: &str, action| router.add(verb.into(), pattern.into(), action);
    let (agent, timeout_ms) = ("orders".into(), 500);
    add(
        "GET",
        "/hello/:name",
        Action::Reply("Hello, {name}!".into()),
    )?;
    add("GET", "/old/*", Action::Redirect("/new".into()))?;
    add(
        "POST",
        "/orders",
        Action::Forward(Target { agent, timeout_ms }),
    )?;
    add("GET", "/admin/*", Action::Deny)?;
    Ok(router)
}

/// What is asked for, if the body is two words.
fn request_of(message: &Message) -> Option<Request> {
    let mut words = message.text().ok()?.split_whitespace();
    let (verb, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let body = None;
    words
        .next()
        .is_none()
        .then_some(Request { verb, path, body })
}

fn fill_in(text: String, params: &[Param]) -> String {
    params.iter().fold(text, |text, Param { name, value }| {
        text.replace(&format!("{{{name}}}"), value)
    })
}
