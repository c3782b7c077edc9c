//! What a step's reports say, as one: found, read, masked like its log, and bounded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use pipewright_core::plan::{ArtifactPlan, CaptureOn, StepPlan};
use pipewright_core::wire::{FAILURES_WITH_OUTPUT, TestCase, TestReport};

use super::find::{self, MOST_FILES, is_xml};
use super::junit::{is_cut, parse};
use crate::archive::{ArchiveError, Cancel, Entry, blocking, size};
use crate::artifacts;
use crate::executor::StepDirectories;
use crate::log::{LogWriter, Masker};

/// The most bytes of one report.
const FILE_BYTES: u64 = 32 << 20;

/// The most bytes of all reports of a step.
const ALL_BYTES: u64 = 128 << 20;

/// The most files that the log names of those that could not be read.
const NAMED: usize = 10;

/// Reads the reports that a step left and says in its log what they say; none where it left none.
pub async fn collect(
    plan: &StepPlan,
    passed: bool,
    directories: &StepDirectories,
    masker: &Masker,
    log: &mut LogWriter,
) -> Option<Box<TestReport>> {
    let named: Vec<ArtifactPlan> = plan
        .artifacts
        .iter()
        .filter(|artifact| artifact.test_reports)
        .filter(|artifact| match artifact.capture_on {
            CaptureOn::Success => passed,
            CaptureOn::Failed => !passed,
            CaptureOn::Always => true,
        })
        .cloned()
        .collect();
    let (root, masker) = (directories.build.clone(), masker.clone());
    let read = blocking(move |cancel| {
        let (files, is_cut) = wanted(&root, &named, cancel)?;
        let report = read_all(&root, &files, &masker, cancel)?;
        Ok((report, is_cut))
    })
    .await;
    let (report, is_cut) = match read {
        Ok(read) => read,
        Err(error) => {
            log.line(&format!("The test reports are not read: {error}."))
                .await;
            return None;
        }
    };
    if is_cut {
        log.line(&format!(
            "There are more test reports than are read: at most {MOST_FILES} files of a step."
        ))
        .await;
    }
    if report.is_empty() {
        return None;
    }
    if report.files > 0 {
        log.line(&summary(&report)).await;
    }
    for unread in report.unread.iter().take(NAMED) {
        log.line(&format!(
            "The test report {} is not read: it {}.",
            unread.path, unread.why
        ))
        .await;
    }
    let more = report.unread_files.saturating_sub(NAMED as u64);
    if more > 0 {
        log.line(&format!(
            "{} could not be read either.",
            count(more, "more test report", "more test reports")
        ))
        .await;
    }
    Some(Box::new(report))
}

/// One line: `Tests: 418 in 4 files, 413 passed, 3 failed, 2 skipped`.
pub fn summary(report: &TestReport) -> String {
    let totals = &report.totals;
    let mut line = format!(
        "Tests: {} in {}, {} passed",
        totals.all(),
        count(report.files, "file", "files"),
        totals.passed
    );
    for (number, word) in [
        (totals.failed, "failed"),
        (totals.errored, "broke"),
        (totals.skipped, "skipped"),
    ] {
        if number > 0 {
            line = format!("{line}, {number} {word}");
        }
    }
    line
}

fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// The files to read: where Bitbucket looks, and what the pipeline file names.
fn wanted(
    root: &Path,
    named: &[ArtifactPlan],
    cancel: &Cancel,
) -> Result<(BTreeSet<PathBuf>, bool), ArchiveError> {
    let found = find::find(root, cancel)?;
    let (mut files, mut is_cut) = (BTreeSet::from_iter(found.files), found.is_cut);
    for artifact in named {
        for entry in artifacts::find(root, artifact, cancel)?.entries {
            if let Entry::File(path) = entry {
                files.insert(path);
            }
        }
    }
    while files.len() > MOST_FILES {
        files.pop_last();
        is_cut = true;
    }
    Ok((files, is_cut))
}

/// Reads these files, each by itself: one that cannot be read spoils no other.
fn read_all(
    root: &Path,
    files: &BTreeSet<PathBuf>,
    masker: &Masker,
    cancel: &Cancel,
) -> Result<TestReport, ArchiveError> {
    let mut report = TestReport::default();
    let mut with_output = 0;
    if files.is_empty() {
        return Ok(report);
    }
    let directory = File::open(root).map_err(|source| ArchiveError::File {
        action: "read",
        path: root.to_owned(),
        source,
    })?;
    for path in files {
        cancel.check()?;
        let name = masker.mask(&path.to_string_lossy(), false);
        let room = ALL_BYTES.saturating_sub(report.bytes).min(FILE_BYTES);
        let bytes = match find::read(&directory, path, room) {
            Ok(Some(bytes)) => bytes,
            Ok(None) if room < FILE_BYTES => {
                let why = format!(
                    "is beyond the {} that a step's reports may have",
                    size(ALL_BYTES)
                );
                report.push_unread(&name, &why);
                continue;
            }
            Ok(None) => {
                report.push_unread(&name, &format!("is larger than {}", size(FILE_BYTES)));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                report.push_unread(&name, &format!("cannot be opened: {error}"));
                continue;
            }
        };
        // A glob that names whole directories means the reports in them.
        if !is_xml(path) && !bytes.trim_ascii_start().starts_with(b"<") {
            continue;
        }
        report.bytes += bytes.len() as u64;
        match parse(&bytes) {
            Ok(cases) => {
                report.files += 1;
                for mut case in cases {
                    // What is not kept in the end is not held until then.
                    if !case.output.is_empty() {
                        with_output += 1;
                        if with_output > FAILURES_WITH_OUTPUT {
                            case.output.clear();
                            case.message.clear();
                        }
                    }
                    report.push(case);
                }
            }
            Err(error) => report.push_unread(&name, &masker.mask(&error.to_string(), false)),
        }
    }
    for case in &mut report.cases {
        mask(case, masker);
    }
    Ok(report.bounded())
}

fn mask(case: &mut TestCase, masker: &Masker) {
    let texts = [
        &mut case.suite,
        &mut case.name,
        &mut case.message,
        &mut case.output,
    ];
    for text in texts.into_iter().chain(&mut case.file) {
        if !text.is_empty() {
            *text = masker.mask(text, is_cut(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pipewright_core::Secret;
    use pipewright_core::plan::{ArtifactPlan, CaptureOn};
    use pipewright_core::wire::{TestReport, TestState};

    use super::{read_all, summary, wanted};
    use crate::archive::Cancel;
    use crate::log::Masker;

    const FAILING: &str = "<testsuite name='s'><testcase classname='c' name='n' time='1.5'><failure message='no'>at x</failure></testcase>\
         <testcase classname='c' name='m'/></testsuite>";

    fn collected(files: &[(&str, &str)], named: &[ArtifactPlan], secrets: &[&str]) -> TestReport {
        let place = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = place.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, text).expect("a file");
        }
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::new((*secret).to_owned()))
            .collect();
        let masker = Masker::new(&secrets, &[]);
        let cancel = Cancel::default();
        let (files, is_cut) = wanted(place.path(), named, &cancel).expect("finds");
        assert!(!is_cut);
        read_all(place.path(), &files, &masker, &cancel).expect("reads")
    }

    #[test]
    fn a_broken_file_spoils_no_other() {
        let report = collected(
            &[
                ("test-results/good.xml", FAILING),
                ("test-results/cut.xml", "<testsuite>\n<testcase name='x'>"),
                ("test-results/coverage.xml", "<coverage/>"),
                ("test-results/empty.xml", ""),
            ],
            &[],
            &[],
        );
        assert_eq!(summary(&report), "Tests: 2 in 1 file, 1 passed, 1 failed");
        let unread: Vec<_> = report
            .unread
            .iter()
            .map(|unread| (unread.path.as_str(), unread.why.as_str()))
            .collect();
        assert_eq!(
            unread,
            [
                (
                    "test-results/coverage.xml",
                    "is no JUnit report: its root is <coverage>"
                ),
                ("test-results/cut.xml", "ends in line 2 inside <testcase>"),
                ("test-results/empty.xml", "is empty"),
            ]
        );
    }

    #[test]
    fn the_pipeline_file_names_other_places() {
        let named = ArtifactPlan {
            name: "reports".to_owned(),
            paths: vec!["out/**".to_owned(), "test-results/**".to_owned()],
            ignore_paths: Vec::new(),
            shared: false,
            test_reports: true,
            depth: None,
            capture_on: CaptureOn::Always,
        };
        let files = [
            ("out/a/report.junit", FAILING),
            ("out/notes.txt", "no report"),
            ("test-results/b.xml", FAILING),
        ];
        assert_eq!(collected(&files, &[], &[]).files, 1);
        let report = collected(&files, &[named], &[]);
        assert_eq!(
            (report.files, report.unread_files, report.totals.all()),
            (2, 0, 4)
        );
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let secret = "s3cr&t-of-the-step";
        let written = "s3cr&amp;t-of-the-step";
        let text = format!(
            "<testsuite name='{written}'><testcase name='n {written}' file='{written}.rs'>\
             <failure message='{written}'>{written} <![CDATA[{secret}]]></failure>\
             <system-out>{}</system-out></testcase></testsuite>",
            written.repeat(10_000)
        );
        let report = collected(&[("test-results/a.xml", &text)], &[], &[secret]);
        let case = &report.cases[0];
        assert_eq!(case.state, TestState::Failed);
        let all = format!("{case:?}");
        assert!(!all.contains("s3cr") && all.contains("***"), "{all}");
    }
}
