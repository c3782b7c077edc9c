//! Arrows between our crates point one way. A crate exists because it forbids something; this is where it is forbidden.

use std::path::Path;

use super::Finding;

/// Each crate with those of ours that it may use. `dev` ones are for its tests only.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("pipewright-core", &[], &[]),
    ("pipewright-spec", &["core"], &[]),
    ("pipewright-store", &["core"], &[]),
    ("pipewright-bitbucket", &["core"], &["simulator"]),
    ("pipewright-git", &["core"], &["simulator"]),
    ("pipewright-runner", &["core", "git"], &["simulator"]),
    (
        "pipewright-server",
        &[
            "core",
            "spec",
            "store",
            "bitbucket",
            "git",
            "runner",
            "simulator (testing)",
        ],
        &["simulator"],
    ),
    (
        "pipewright",
        &[
            "core",
            "spec",
            "store",
            "bitbucket",
            "git",
            "runner",
            "server",
            "simulator",
        ],
        &["simulator", "server", "store", "core"],
    ),
    ("pipewright-simulator", &[], &[]),
    // A program of its own, apart from xtask so that checks stay quick to build: it holds the whole server against the clock.
    (
        "pipewright-bench",
        &[
            "core",
            "store",
            "bitbucket",
            "git",
            "runner",
            "server",
            "simulator",
            "pipewright",
        ],
        &[],
    ),
    ("xtask", &["core", "spec", "simulator"], &[]),
];

/// Libraries that only one crate may use, and why.
const SOLE_USERS: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["pipewright-store"],
        "SQL stands in the store only",
    ),
    (
        "serde-saphyr",
        &["pipewright-spec"],
        "YAML is read by the spec only",
    ),
    (
        "russh",
        &["pipewright-simulator"],
        "the product speaks SSH through OpenSSH",
    ),
];

/// Compares every manifest with the table.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let folder = entry?.path();
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = format!("crates/{name}/Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml"))?.parse()?;
        let Some((_, allowed, dev)) = ALLOWED.iter().find(|(of, ..)| *of == name) else {
            findings.push(Finding {
                path,
                line: 0,
                sentence: "this crate is not in the table of arrows; add it there with its reason"
                    .to_owned(),
            });
            continue;
        };
        for (section, also) in [("dependencies", &[][..]), ("dev-dependencies", dev)] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, detail) in dependencies {
                let short = dependency.strip_prefix("pipewright-").unwrap_or(dependency);
                let ours = dependency.starts_with("pipewright");
                let optional = detail.get("optional").and_then(toml::Value::as_bool) == Some(true);
                let testing = optional && allowed.contains(&format!("{short} (testing)").as_str());
                // A crate's own tests may switch its `testing` feature on.
                let own_tests = section == "dev-dependencies" && *dependency == name;
                if ours
                    && !own_tests
                    && !allowed.contains(&short)
                    && !also.contains(&short)
                    && !testing
                {
                    let sentence = format!(
                        "{name} may not use {dependency}; arrows point core <- spec, store, bitbucket, git <- runner <- server <- pipewright"
                    );
                    findings.push(Finding {
                        path: path.clone(),
                        line: 0,
                        sentence,
                    });
                }
                for (library, users, why) in SOLE_USERS {
                    if dependency == library && !users.contains(&name.as_str()) {
                        findings.push(Finding {
                            path: path.clone(),
                            line: 0,
                            sentence: format!("{library} is not for {name}: {why}"),
                        });
                    }
                }
            }
        }
    }
    Ok(findings)
}
