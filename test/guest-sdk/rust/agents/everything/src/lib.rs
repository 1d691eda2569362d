// Calls everything that the SDK offers, as the subject says, and answers what came of it.
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use motehost::context::{self, Precondition};
use motehost::log::{Field, Level};
use motehost::{
    bus, clock, no_reply, random, reply, tools, CustomFailure, Failure, Message, Payload, Reply,
};

motehost::handler!(handle);

fn handle(message: Message) -> Reply {
    let body = String::from_utf8_lossy(&message.body).into_owned();
    match message.subject.as_str() {
        "live" => reply(LIVE.load(Relaxed).to_string()),
        "show" => show(&message),
        "text" => reply(message.text()?),
        "bytes" => reply(message.body),
        "none" => no_reply(),
        "empty" => reply(""),
        "fail" => Err(failure(&body)),
        "log" => write_lines(),
        "time" => reply(format!(
            "{:?} {:?}",
            clock::now().duration_since(SystemTime::UNIX_EPOCH),
            clock::monotonic()
        )),
        "random" => reply(format!("{} {:?}", random::number(), random::bytes(3))),
        "panic" => panic!("as you {body}"),
        "index" => reply(vec![body.as_bytes()[body.len() + 7]]),
        "number" => reply((body.parse::<u8>()? + 1).to_string()),
        "ask" => reply(bus::request("question", body)?.body),
        "recall" => reply(context::get(&body)?.ok_or("nothing there")?.value),
        "use" => reply(tools::call(&body, "{}")?),
        subject => call(subject, body),
    }
}

fn call(subject: &str, body: String) -> Reply {
    match subject {
        "bus.send" => shown(bus::send("greeter", body)),
        "bus.send-as" => shown(bus::send_as("id-1", "greeter", body)),
        "bus.publish" => shown(bus::publish("news.eu", body)),
        "bus.publish-as" => {
            let payload = Payload::new(body)
                .with_content_type("text/plain")
                .with_header("x", "1")
                .with_header("y", "2");
            shown(bus::publish_as("id-1", "news.eu", payload))
        }
        "bus.request" => {
            shown(bus::request("question", body).map(|payload| payload.text().map(str::to_owned)))
        }
        "bus.request-within" => shown(bus::request_within(
            "question",
            body,
            Duration::from_millis(250),
        )),
        "bus.subscribe" => shown(bus::subscribe("news.*")),
        "bus.subscribe-in" => shown(bus::subscribe_in("desk", "news.>")),
        "bus.unsubscribe" => shown(bus::unsubscribe(77)),
        "context.get" => shown(context::get("k")),
        "context.put" => shown(context::put("k", body)),
        "context.put-if" => shown(context::put_if(Precondition::Revision(41), "k", body)),
        "context.delete" => shown(context::delete("k")),
        "context.delete-if" => shown(context::delete_if(Precondition::Absent, "k")),
        "context.list" => shown(context::list("p", Some("p1"), 2)),
        "context.keys" => shown(
            context::keys("p")
                .map(|key| key.map(|key| key.key))
                .collect::<Result<Vec<_>, _>>(),
        ),
        "context.usage" => shown(context::usage()),
        "tools.list" => shown(tools::list()),
        "tools.call" => shown(tools::call("search", &body)),
        "tools.call-within" => shown(tools::call_within("search", &body, Duration::from_nanos(1))),
        _ => Err(Failure::unsupported(subject)),
    }
}

fn shown<T: Debug, E: Debug>(result: Result<T, E>) -> Reply {
    match result {
        Ok(value) => reply(format!("{value:?}")),
        Err(error) => reply(format!("{error:?}")),
    }
}

fn show(message: &Message) -> Reply {
    let mut parts = vec![
        message.id.clone(),
        message.subject.clone(),
        message.sender.clone().unwrap_or("-".into()),
        message.reply_to.clone().unwrap_or("-".into()),
        message.sent_at_ns.to_string(),
        message.deadline_ns.map_or("-".into(), |at| at.to_string()),
        message.attempt.to_string(),
        message.content_type.clone().unwrap_or("-".into()),
    ];
    parts.extend(
        message
            .headers
            .iter()
            .map(|header| format!("{}={}", header.name, header.value)),
    );
    parts.push(String::from_utf8_lossy(&message.body).into_owned());
    reply(parts.join("|"))
}

fn failure(kind: &str) -> Failure {
    match kind {
        "invalid" => Failure::invalid("i"),
        "denied" => Failure::denied("d"),
        "unsupported" => Failure::unsupported("u"),
        "unavailable" => Failure::unavailable("n"),
        "timed-out" => Failure::timed_out("t"),
        "custom" => {
            let (code, message) = ("code".into(), "words".into());
            Failure::Custom(CustomFailure {
                code,
                message,
                detail: Some(b"more".to_vec()),
            })
        }
        "custom-bare" => Failure::custom("code", ""),
        _ => Failure::other("ö"),
    }
}

fn write_lines() -> Reply {
    motehost::log::debug!("debugging");
    motehost::log::warn!(a = 1, b = ""; "héllo {}", '🌍');
    motehost::log::write(Level::Info, "written", &[Field::new("x", true)]);
    log::error!("from a crate");
    no_reply()
}

/// Counts the bytes that are allocated, for a test that looks for leaks.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        System.alloc(layout)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        System.dealloc(start, layout)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
