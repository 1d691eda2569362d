//! What the agent remembers: named values that outlive its instance and belong to it alone.

pub use crate::bindings::imports::motehost::agent::context::{
    ContextError, Entry, KeyInfo, MemoryUsage, Page, Precondition,
};

use crate::bindings::imports::motehost::agent::context as raw;

/// The value of a key, `None` if it has none.
pub fn get(key: &str) -> Result<Option<Entry>, ContextError> {
    raw::get(key)
}

/// Writes a value, whatever was there; returns its revision.
pub fn put(key: &str, value: impl AsRef<[u8]>) -> Result<u64, ContextError> {
    put_if(Precondition::Always, key, value)
}

/// Writes a value if the precondition holds, in one step; otherwise [`ContextError::Conflict`].
pub fn put_if(
    precondition: Precondition,
    key: &str,
    value: impl AsRef<[u8]>,
) -> Result<u64, ContextError> {
    raw::put(key, value.as_ref(), precondition)
}

/// Removes a value; true if there was one.
pub fn delete(key: &str) -> Result<bool, ContextError> {
    delete_if(Precondition::Always, key)
}

/// Removes a value if the precondition holds, in one step; otherwise [`ContextError::Conflict`].
pub fn delete_if(precondition: Precondition, key: &str) -> Result<bool, ContextError> {
    raw::delete(key, precondition)
}

/// Some keys that begin with `prefix` and come after `after`, at most `keys_max` (0: the host's default).
pub fn list(prefix: &str, after: Option<&str>, keys_max: u32) -> Result<Page, ContextError> {
    raw::list(prefix, after, keys_max)
}

/// All keys that begin with `prefix`, in order, asked for page by page. Ends after the first error.
pub fn keys(prefix: &str) -> Keys<'_> {
    Keys {
        prefix,
        page: Vec::new().into_iter(),
        after: None,
        is_last: false,
    }
}

/// How much is used and may be used.
pub fn usage() -> Result<MemoryUsage, ContextError> {
    raw::usage()
}

/// See [`keys`].
pub struct Keys<'a> {
    prefix: &'a str,
    page: std::vec::IntoIter<KeyInfo>,
    after: Option<String>,
    is_last: bool,
}

impl Iterator for Keys<'_> {
    type Item = Result<KeyInfo, ContextError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            if self.is_last {
                return None;
            }
            match list(self.prefix, self.after.as_deref(), 0) {
                Ok(page) => {
                    self.is_last = page.next.is_none();
                    self.after = page.next;
                    self.page = page.keys.into_iter();
                }
                Err(error) => {
                    self.is_last = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Entry {
    /// The value as text, if it is UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.value)
    }
}
