use std::io::{self, Write};
use std::process::ExitCode;

/// An ordinary program: arguments, standard streams and an exit code.
fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lines() {
        writeln!(out, "{}", line?.to_uppercase())?;
    }
    let fails = std::env::args().any(|argument| argument == "--fail");
    Ok(ExitCode::from(u8::from(fails)))
}
