//! What commands write, into pipes that may not be read to their end: `pipewright plan | head`. That nobody reads any more is
//! no failure of a command, whose exit code still says what it found.

use std::io::{self, Write};

/// Writes data to standard output; its colours only where a terminal takes them.
pub(super) fn print(data: &[u8]) -> io::Result<()> {
    write(&mut anstream::stdout().lock(), data)
}

/// Writes talk to standard error, in the same way.
pub(super) fn say(talk: &str) -> io::Result<()> {
    write(&mut anstream::stderr().lock(), talk.as_bytes())
}

fn write(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
