use crate::exports::example::router::routing::Param;

/// A path whose segments may be `:name`, and whose last one may be `*`.
pub struct Pattern {
    pub text: String,
    segments: Vec<Segment>,
}

enum Segment {
    Exactly(String),
    Named(String),
    Rest,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: String) -> Result<Self, &'static str> {
        let path = text.strip_prefix('/').ok_or("a pattern begins with /")?;
        let mut segments = Vec::new();
        for part in path.split('/') {
            if let Some(Segment::Rest) = segments.last() {
                return Err("* must come last");
            }
            segments.push(match part.strip_prefix(':') {
                Some("") => return Err("a parameter needs a name"),
                Some(name) => Segment::Named(name.to_owned()),
                None if part == "*" => Segment::Rest,
                None => Segment::Exactly(part.to_owned()),
            });
        }
        Ok(Self { text, segments })
    }

    /// The parts of a path that the pattern gives names to; `None` if it does not match.
    pub fn match_path(&self, path: &str) -> Option<Vec<Param>> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let mut params = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let part = *parts.get(at)?;
            match segment {
                Segment::Exactly(text) if text == part => {}
                Segment::Named(name) if !part.is_empty() => {
                    params.push(param(name, part.to_owned()))
                }
                Segment::Rest => {
                    params.push(param("*", parts[at..].join("/")));
                    return Some(params);
                }
                _ => return None,
            }
        }
        (parts.len() == self.segments.len()).then_some(params)
    }
}

fn param(name: &str, value: String) -> Param {
    Param {
        name: name.to_owned(),
        value,
    }
}
