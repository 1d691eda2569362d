use crate::{Config, Failure, Message, Reply, StopReason};

/// An [`Agent`](crate::Agent) whose functions may wait for several things at once; world `async-agent`.
#[allow(async_fn_in_trait)]
pub trait AsyncAgent: Sized + 'static {
    /// Called once, before any message. A failure is a failed start: the supervisor decides whether to try again.
    async fn start(config: Config) -> Result<Self, Failure>;

    /// Called for each message, one after another.
    async fn handle(&mut self, message: Message) -> Reply;

    /// Called once before an orderly end; not after a panic or a reached limit.
    async fn stop(self, _reason: StopReason) {}
}

/// Makes one asynchronous function an agent, world `async-handler`: `motehost::async_handler!(handle);` with
/// `async fn handle(message: Message) -> Reply`.
#[macro_export]
macro_rules! async_handler {
    ($handle:path) => {
        const _: () = {
            // Apart from the `impl`, or the compiler would suggest names in there for one that is misspelt.
            fn call(
                message: $crate::Message,
            ) -> impl ::core::future::Future<Output = $crate::Reply> {
                $handle(message)
            }
            struct Handler;
            impl $crate::bindings::async_handler::Guest for Handler {
                async fn handle(message: $crate::Message) -> $crate::Reply {
                    call(message).await
                }
            }
            $crate::bindings::async_handler::export!(Handler with_types_in $crate::bindings::async_handler);
        };
    };
}

/// Makes a type that is an [`AsyncAgent`] the agent of this crate, world `async-agent`:
/// `motehost::async_agent!(Greeter);`.
#[macro_export]
macro_rules! async_agent {
    ($agent:ty) => {
        const _: () = {
            ::std::thread_local! {
                static AGENT: ::core::cell::RefCell<Option<$agent>> = const { ::core::cell::RefCell::new(None) };
            }
            struct Life;
            impl $crate::bindings::async_agent::Guest for Life {
                async fn start(config: $crate::Config) -> Result<(), $crate::Failure> {
                    let agent = <$agent as $crate::AsyncAgent>::start(config).await?;
                    AGENT.set(Some(agent));
                    Ok(())
                }
                async fn handle(message: $crate::Message) -> $crate::Reply {
                    // It is nobody's while it waits: the next message comes when this one is done.
                    let Some(mut agent) = AGENT.take() else {
                        return Err($crate::Failure::unavailable("the agent was not started"));
                    };
                    let reply = $crate::AsyncAgent::handle(&mut agent, message).await;
                    AGENT.set(Some(agent));
                    reply
                }
                async fn stop(reason: $crate::StopReason) {
                    if let Some(agent) = AGENT.take() {
                        $crate::AsyncAgent::stop(agent, reason).await;
                    }
                }
            }
            $crate::bindings::async_agent::export!(Life with_types_in $crate::bindings::async_agent);
        };
    };
}
