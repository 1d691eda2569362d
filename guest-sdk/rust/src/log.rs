//! Lines for the people who run the agent, with a level, a text and fields that can be searched for:
//!
//! ```ignore
//! log::info!("greeting {name}");
//! log::warn!(order = id, left = 3; "running low");
//! ```

pub use crate::bindings::imports::motehost::agent::log::{enabled, write, Field, Level};
#[doc(inline)]
pub use crate::{
    log_debug as debug, log_error as error, log_info as info, log_trace as trace, log_warn as warn,
};

impl Field {
    /// One named value; whatever can be displayed is one.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self {
            name: name.into(),
            value: value.to_string(),
        }
    }
}

/// Writes a line of a level known at run time: `log_line!(level, name = value; "text {}", argument)`.
#[macro_export]
macro_rules! log_line {
    ($level:expr, $($name:ident = $value:expr),+ ; $($text:tt)+) => {{
        let level = $level;
        if $crate::log::enabled(level) {
            let fields = [$($crate::log::Field::new(stringify!($name), &$value)),+];
            $crate::log::write(level, &::std::format!($($text)+), &fields);
        }
    }};
    ($level:expr, $($text:tt)+) => {{
        let level = $level;
        if $crate::log::enabled(level) {
            $crate::log::write(level, &::std::format!($($text)+), &[]);
        }
    }};
}

/// For whoever follows every step.
#[macro_export]
macro_rules! log_trace {
    ($($line:tt)+) => { $crate::log_line!($crate::log::Level::Trace, $($line)+) };
}

/// For whoever looks for a mistake.
#[macro_export]
macro_rules! log_debug {
    ($($line:tt)+) => { $crate::log_line!($crate::log::Level::Debug, $($line)+) };
}

/// What an operator wants to know.
#[macro_export]
macro_rules! log_info {
    ($($line:tt)+) => { $crate::log_line!($crate::log::Level::Info, $($line)+) };
}

/// What may need somebody's attention.
#[macro_export]
macro_rules! log_warn {
    ($($line:tt)+) => { $crate::log_line!($crate::log::Level::Warn, $($line)+) };
}

/// What went wrong.
#[macro_export]
macro_rules! log_error {
    ($($line:tt)+) => { $crate::log_line!($crate::log::Level::Error, $($line)+) };
}

/// Where the macros of the `log` crate write to.
#[cfg(all(feature = "log", target_family = "wasm", target_os = "unknown"))]
pub(crate) mod facade {
    use super::{enabled, write, Field, Level};

    pub(crate) struct AgentLog;

    fn level(of: log::Level) -> Level {
        match of {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            log::Level::Info => Level::Info,
            log::Level::Debug => Level::Debug,
            log::Level::Trace => Level::Trace,
        }
    }

    impl log::Log for AgentLog {
        fn enabled(&self, metadata: &log::Metadata) -> bool {
            enabled(level(metadata.level()))
        }

        fn log(&self, record: &log::Record) {
            if self.enabled(record.metadata()) {
                let target = Field::new("target", record.target());
                write(level(record.level()), &record.args().to_string(), &[target]);
            }
        }

        fn flush(&self) {}
    }
}
