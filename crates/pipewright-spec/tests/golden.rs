//! One pipeline file each with the problems drawn as a person sees them: `golden/NAME.yml` and `golden/NAME.snap`.
//!
//! After a deliberate change of a message: run with `INSTA_UPDATE=always` and read the difference.

use std::fs;
use std::path::Path;

use pipewright_spec::{diagnostic, parse, render_text};

#[test]
fn problems_are_explained() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .expect("the golden files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(files.len() > 50, "the golden files are there");
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        for path in files {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let parsed = parse("bitbucket-pipelines.yml", &fs::read(&path).expect("a golden file"));
            let text = render_text(&parsed.diagnostics, "bitbucket-pipelines.yml", &parsed.source);
            let paths: Vec<String> = parsed.diagnostics.iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect();
            insta::assert_snapshot!(name, format!("{text}{}\n{}", diagnostic::summary(&parsed.diagnostics), paths.join("\n")));
        }
    });
}
