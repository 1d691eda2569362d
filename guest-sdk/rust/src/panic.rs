use std::panic::PanicHookInfo;

use crate::log::{write, Field, Level};

/// Writes a panic's message and place to the agent's log; the trap that follows has neither.
pub(crate) fn report(info: &PanicHookInfo) {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    match info.location() {
        Some(place) => {
            let fields = [
                Field::new("file", place.file()),
                Field::new("line", place.line()),
                Field::new("column", place.column()),
            ];
            write(Level::Error, text, &fields);
        }
        None => write(Level::Error, text, &[]),
    }
}
