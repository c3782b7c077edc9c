//! `pipewright config`: every setting, its value and where it comes from.

use std::io::Write as _;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::Configuration;
use super::output::print;
use crate::config::{Origin, SETTINGS, check};

const RED: Style = AnsiColor::Red.on_default().bold();

/// Prints the settings as a file that could be used, and fails if it could not.
pub(super) fn run(configuration: &Configuration) -> anyhow::Result<ExitCode> {
    let gathered = configuration.gather(None)?;
    let mut out = Vec::new();
    let mut topic = "";
    for setting in SETTINGS {
        let (of, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != topic {
            writeln!(out, "\n[{of}]")?;
            topic = of;
        }
        let (value, origin) = gathered.get(setting.key);
        // The URL may hold a password.
        let value = if setting.key == "database.url" && value.contains('@') {
            "…"
        } else {
            value
        };
        writeln!(
            out,
            "# {}\n# {} · set by {}",
            setting.about,
            setting.variable(),
            if *origin == Origin::Default {
                "default".to_owned()
            } else {
                origin.to_string()
            }
        )?;
        writeln!(out, "{name} = {value:?}")?;
    }
    let checked = check(&gathered);
    if let Ok(config) = &checked
        && let Some(warning) = config.server.host.isolation.warning()
    {
        writeln!(out, "\n{RED}# {warning}{RED:#}")?;
    }
    print(&out)?;
    checked?;
    Ok(ExitCode::SUCCESS)
}
