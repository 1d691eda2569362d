use crate::{Config, Failure, Message, Reply, StopReason};

/// An agent that is told its configuration first and the reason of its end last; world `agent`. What it keeps in
/// `self` lasts until the instance ends; what must last longer goes to [`context`](crate::context).
pub trait Agent: Sized + 'static {
    /// Called once, before any message. A failure is a failed start: the supervisor decides whether to try again.
    fn start(config: Config) -> Result<Self, Failure>;

    /// Called for each message, one after another.
    fn handle(&mut self, message: Message) -> Reply;

    /// Called once before an orderly end; not after a panic or a reached limit.
    fn stop(self, _reason: StopReason) {}
}

/// Makes one function an agent, world `handler`: `motehost::handler!(handle);` with
/// `fn handle(message: Message) -> Reply`.
#[macro_export]
macro_rules! handler {
    ($handle:path) => {
        const _: () = {
            // Apart from the `impl`, or the compiler would suggest names in there for one that is misspelt.
            fn call(message: $crate::Message) -> $crate::Reply {
                let function: fn($crate::Message) -> $crate::Reply = $handle;
                function(message)
            }
            struct Handler;
            impl $crate::bindings::handler::Guest for Handler {
                fn handle(message: $crate::Message) -> $crate::Reply {
                    call(message)
                }
            }
    $crate::bindings::handler::export!(Handler with_types_in $crate::bindings::handler);
        };
    };
}

/// Makes a type that is an [`Agent`] the agent of this crate, world `agent`: `motehost::agent!(Greeter);`.
#[macro_export]
macro_rules! agent {
    ($agent:ty) => {
        const _: () = {
            ::std::thread_local! {
                static AGENT: ::core::cell::RefCell<Option<$agent>> = const { ::core::cell::RefCell::new(None) };
            }
            struct Life;
            impl $crate::bindings::agent::Guest for Life {
                fn start(config: $crate::Config) -> Result<(), $crate::Failure> {
                    let agent = <$agent as $crate::Agent>::start(config)?;
                    AGENT.set(Some(agent));
                    Ok(())
                }
                fn handle(message: $crate::Message) -> $crate::Reply {
                    AGENT.with_borrow_mut(|agent| match agent {
                        Some(agent) => $crate::Agent::handle(agent, message),
                        None => Err($crate::Failure::unavailable("the agent was not started")),
                    })
                }
                fn stop(reason: $crate::StopReason) {
                    if let Some(agent) = AGENT.take() {
                        $crate::Agent::stop(agent, reason);
                    }
                }
            }
            $crate::bindings::agent::export!(Life with_types_in $crate::bindings::agent);
        };
    };
}
