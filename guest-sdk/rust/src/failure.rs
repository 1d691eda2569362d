use crate::bus::BusError;
use crate::context::ContextError;
use crate::orchestration::OrchestrationError;
use crate::tools::ToolError;
use crate::{CustomFailure, Failure};

impl Failure {
    /// The message makes no sense to this agent; repeating it will not help.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// This sender may not ask this.
    pub fn denied(text: impl Into<String>) -> Self {
        Self::Denied(text.into())
    }

    /// The agent does not do what was asked.
    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::Unsupported(text.into())
    }

    /// It did not work now and may work later: the only failure after which the host delivers again.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::Unavailable(text.into())
    }

    /// It took too long.
    pub fn timed_out(text: impl Into<String>) -> Self {
        Self::TimedOut(text.into())
    }

    /// A failure with a code of the agent's own, such as `out-of-stock`, and a sentence for people.
    pub fn custom(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Custom(CustomFailure {
            code: code.into(),
            message: message.into(),
            detail: None,
        })
    }

    /// Anything else.
    pub fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }
}

// A failure goes to whoever asked this agent. What its own partners said need not be for their ears, so `?` keeps
// the kind (may it work later?) and says which room failed; `map_err` says more.

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Unavailable => Self::unavailable("the bus cannot be reached now"),
            BusError::Full(_) => Self::unavailable("a mailbox is full"),
            BusError::RateLimited(_) => Self::unavailable("too many messages were sent"),
            BusError::NoResponders => Self::unavailable("nobody answers"),
            BusError::Failed(Self::Unavailable(_)) => {
                Self::unavailable("another agent cannot answer now")
            }
            BusError::TimedOut => Self::timed_out("another agent took too long"),
            BusError::Failed(_) => Self::other("another agent failed"),
            _ => Self::other("the bus refused a call"),
        }
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Unavailable => Self::unavailable("memory cannot be reached now"),
            ContextError::Conflict(_) => Self::unavailable("memory changed meanwhile"),
            _ => Self::other("memory refused a call"),
        }
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Unavailable => Self::unavailable("a tool cannot be reached now"),
            ToolError::RateLimited(_) => Self::unavailable("too many tools were called"),
            ToolError::TimedOut => Self::timed_out("a tool took too long"),
            ToolError::Failed(_) => Self::other("a tool failed"),
            _ => Self::other("a tool was not called"),
        }
    }
}

impl From<OrchestrationError> for Failure {
    fn from(error: OrchestrationError) -> Self {
        match error {
            OrchestrationError::Unavailable => Self::unavailable("the host cannot do it now"),
            OrchestrationError::Full => Self::unavailable("there is no room"),
            OrchestrationError::Held => Self::unavailable("somebody else has the lease"),
            OrchestrationError::Lost => Self::unavailable("the lease is over"),
            OrchestrationError::TimedOut => Self::timed_out("it did not come in time"),
            _ => Self::other("working together was refused"),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::other(text)
    }
}

/// Errors of reading what somebody sent.
macro_rules! invalid_from {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Invalid(error.to_string())
            }
        }
    )+};
}
invalid_from!(
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::str::ParseBoolError,
    std::char::ParseCharError,
);
