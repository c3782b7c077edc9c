//! Whether there are colours: for eyes, and where they are asked for with `--color`.

use std::io::IsTerminal;

use anstream::ColorChoice;

/// Keeps what `--color` says, for everything that is printed.
pub(crate) fn choose(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
}

/// Whether this stream gets colours: a file or a collector of logs has none, unless they are asked for.
pub(crate) fn wanted(stream: &impl IsTerminal) -> bool {
    match ColorChoice::global() {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}
