use crate::{Config, Failure, Message};

/// What a message is answered with: bytes for whoever asked, `None` for nothing, or a failure.
pub type Reply = Result<Option<Vec<u8>>, Failure>;

/// Answers with a text or with bytes.
pub fn reply(body: impl Into<Vec<u8>>) -> Reply {
    Ok(Some(body.into()))
}

/// The message was dealt with and there is nothing to say.
pub fn no_reply() -> Reply {
    Ok(None)
}

impl Message {
    /// The body as text, without white space around it. Bytes that are no UTF-8 are [`Failure::Invalid`].
    pub fn text(&self) -> Result<&str, Failure> {
        Ok(std::str::from_utf8(&self.body)?.trim())
    }

    /// The value of the first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }
}

impl Config {
    /// The value of a setting of the manifest.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|setting| setting.name == name);
        found.map(|setting| setting.value.as_str())
    }
}
