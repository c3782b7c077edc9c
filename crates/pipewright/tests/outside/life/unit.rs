//! The unit for systemd, held against systemd's own check where that is installed.

use std::io::ErrorKind;
use std::process::Command;

const UNIT: &str = include_str!("../../../../../packaging/systemd/pipewright.service");

#[test]
fn systemd_accepts_the_unit() {
    let place = tempfile::tempdir().expect("a directory");
    let unit = place.path().join("pipewright.service");
    // The program as it will be installed is not there yet.
    let program = env!("CARGO_BIN_EXE_pipewright");
    let installed = "ExecStart=/usr/local/bin/pipewright ";
    assert_eq!(UNIT.matches(installed).count(), 1);
    std::fs::write(
        &unit,
        UNIT.replace(installed, &format!("ExecStart={program} ")),
    )
    .expect("writes");
    let checked = match Command::new("systemd-analyze")
        .arg("verify")
        .arg("--man=no")
        .arg(&unit)
        .output()
    {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            #[expect(clippy::print_stderr, reason = "the test's output")]
            {
                eprintln!("skipped: systemd is not installed");
            }
            return;
        }
        ran => ran.expect("runs"),
    };
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success(), "{said}");
    // Older ones say that they leave out what they do not know; the unit says which needs a newer one.
    let unknown: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("pipewright.service") && !line.contains("DelegateSubgroup"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
