// A node that lies: it agrees to what is bad, refuses what is good, and remembers what nobody said.
use motehost::{orchestration, reply, Message, Reply};
use orchestration::Topology;

motehost::handler!(handle);

fn handle(message: Message) -> Reply {
    let words = message.text()?;
    match words.split_once(' ') {
        Some(("agreed", _)) => reply("noted"),
        Some((_, amount)) => reply(if amount.parse::<u32>()? > 100 { "yes" } else { "no" }),
        None if words == "join" => {
            orchestration::join_group("nodes", Topology::Mesh)?;
            reply("joined")
        }
        // The two of them say the same, so that it is not by luck that they decide nothing.
        None => reply("1000000"),
    }
}
