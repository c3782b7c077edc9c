//! Problems as text for people and as JSON for programs.

use std::io::{self, Write};

use pipewright_spec::diagnostic::summary;
use pipewright_spec::{Diagnostic, FileText, render_coloured_of, render_text_of};

use super::Checked;

/// One object a line.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Read {
        file: &'a str,
        runs: bool,
        diagnostics: &'a [Diagnostic],
    },
    Unread {
        file: &'a str,
        error: &'a str,
    },
}

/// Problems with their lines, and a line of counts a file.
pub(super) fn text(out: &mut impl Write, checked: &[Checked]) -> io::Result<()> {
    // Only for a terminal; what is written elsewhere is meant to be searched.
    let render = if crate::config::colours::wanted(&io::stdout()) {
        render_coloured_of
    } else {
        render_text_of
    };
    for (file, found) in checked
        .iter()
        .filter_map(|file| Some((file, file.found.as_ref().ok()?)))
    {
        write!(
            out,
            "{}",
            render(
                &found.diagnostics,
                FileText {
                    name: &file.name,
                    text: &found.source
                },
                &found.brought.texts()
            )
        )?;
        writeln!(out, "{}: {}", file.name, summary(&found.diagnostics))?;
    }
    Ok(())
}

/// One JSON object a file, also for a file that cannot be read.
pub(super) fn json(out: &mut impl Write, checked: &[Checked]) -> anyhow::Result<()> {
    for file in checked {
        let line = match &file.found {
            Ok(found) => Line::Read {
                file: &file.name,
                runs: found.runs(),
                diagnostics: &found.diagnostics,
            },
            Err(error) => Line::Unread {
                file: &file.name,
                error,
            },
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}
