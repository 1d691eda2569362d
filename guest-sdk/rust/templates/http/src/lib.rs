use std::io::Write;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wasip2::http::proxy::export!(Server);

struct Server;

impl Guest for Server {
    /// Called for each request.
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let text = match path.strip_prefix("/hello/") {
            Some(name) => format!("Hello, {name}!\n"),
            None => "Ask for /hello/Ada\n".to_owned(),
        };
        respond(answer, 200, "text/plain; charset=utf-8", text.as_bytes());
    }
}

fn respond(answer: ResponseOutparam, status: u16, content_type: &str, body: &[u8]) {
    let headers = Fields::new();
    headers
        .set("content-type", &[content_type.into()])
        .expect("a proper header");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a proper status");
    let outgoing = response.body().expect("the body is taken once");
    ResponseOutparam::set(answer, Ok(response));

    // A client that has gone is no mistake of ours.
    let mut stream = outgoing.write().expect("the stream is taken once");
    let written = stream
        .write_all(body)
        .and_then(|()| Write::flush(&mut stream));
    drop(stream);
    if written.is_ok() {
        let _ = OutgoingBody::finish(outgoing, None);
    }
}
