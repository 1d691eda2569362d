use crate::{Failure, Header, Payload};

impl Payload {
    /// Something to send: a text or bytes. `"text".into()` is the same.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type: None,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Names the media type of the body.
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds a header.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// The body as text. Bytes that are no UTF-8 are [`Failure::Invalid`].
    pub fn text(&self) -> Result<&str, Failure> {
        Ok(std::str::from_utf8(&self.body)?)
    }
}

macro_rules! payload_from {
    ($($body:ty),+) => {$(
        impl From<$body> for Payload {
            fn from(body: $body) -> Self {
                Self::new(body)
            }
        }
    )+};
}
payload_from!(&str, String, &[u8], Vec<u8>);
