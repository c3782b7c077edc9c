//! Links between the project's own documents lead somewhere.

use std::path::Path;

use super::Finding;

/// Checks every relative link of every Markdown file at the root and under `docs/`.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            for (index, line) in text.lines().enumerate() {
                for target in targets(line).filter(|target| {
                    !target.contains("://")
                        && !target.starts_with(['#', '/'])
                        && !target.starts_with("mailto:")
                }) {
                    let file = target.split('#').next().unwrap_or_default();
                    if !folder.join(file).exists() {
                        let name = path.strip_prefix(root)?.display().to_string();
                        findings.push(Finding {
                            path: name,
                            line: index + 1,
                            sentence: format!("the link to {target} leads nowhere"),
                        });
                    }
                }
            }
        }
    }
    Ok(findings)
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
}
