//! Inside a crate, too, arrows point one way: no circle between the folders or the files of one folder, and in the server
//! no look upwards from one floor to a higher one.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::modules::{Look, Modules};
use super::source::SourceFile;

/// The crate that has floors.
const HOUSE: &str = "pipewright-server";

/// Its folders, from the ground up. A folder looks at lower floors only, and at none beside it but where [`NOUNS`] says
/// so.
const FLOORS: &[&[&str]] = &[
    &["live"],
    &["ground"],
    &["web", "access"],
    // The nouns stand here: see below.
    &[],
    &["pages", "background"],
    &["routes"],
    &["run", "machine"],
];

/// The floor of the nouns.
const NOUN_FLOOR: usize = 3;

/// Each noun, with the nouns below it that it may look at. Those stand above it in this table, so that there is no circle.
const NOUNS: &[(&str, &[&str])] = &[
    ("users", &[]),
    ("accounts", &["users"]),
    ("members", &["users"]),
    ("sessions", &[]),
    ("setup", &[]),
    ("artifacts", &[]),
    ("retention", &[]),
    ("variables", &[]),
    ("ssh_keys", &[]),
    ("oidc", &[]),
    ("repositories", &[]),
    ("webhooks", &[]),
    ("statuses", &[]),
    (
        "scheduler",
        &["artifacts", "oidc", "ssh_keys", "statuses", "variables"],
    ),
    ("builds", &["repositories", "scheduler", "variables"]),
    ("deliveries", &["scheduler"]),
    ("comparison", &["deliveries", "repositories"]),
    ("integrations", &["repositories", "webhooks"]),
    (
        "applications",
        &[
            "accounts",
            "integrations",
            "repositories",
            "users",
            "webhooks",
        ],
    ),
    (
        "administration",
        &["accounts", "applications", "integrations", "users"],
    ),
    ("schedules", &["builds"]),
];

/// Folders whose files still look at one another in a circle, each with why. None may be added.
const CIRCLES_LEFT: &[(&str, &str)] = &[
    (
        "crates/pipewright-runner/src/executor/host/sandbox/",
        "what a sandbox is given and the files that are made for it are one table in two files",
    ),
    (
        "crates/pipewright-simulator/src/",
        "a stateful double of two products: whatever changes its state tells its webhooks, whose answers change its state",
    ),
];

/// Compares what looks at what with the table, and looks for circles.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let folders: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| source.path.split("/src/").next())
        .filter(|folder| folder.matches('/').count() == 1)
        .collect();
    let mut findings = Vec::new();
    for folder in folders {
        let looks = Modules::read(sources, folder).looks();
        if folder.ends_with(&format!("/{HOUSE}")) {
            findings.extend(upward(&looks));
        }
        findings.extend(circles(&looks).into_iter().filter(|finding| {
            !CIRCLES_LEFT
                .iter()
                .any(|(folder, _)| finding.path.starts_with(folder))
        }));
    }
    findings
}

/// Looks of the house that run up, or sideways where the table does not say so.
fn upward(looks: &[Look]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for look in looks {
        let (Some(from), Some(to)) = (look.from.first(), look.to.first()) else {
            continue;
        };
        if from == to {
            continue;
        }
        if let Some(sentence) = refusal(from, to) {
            findings.push(Finding {
                path: look.path.clone(),
                line: look.line,
                sentence,
            });
        }
    }
    findings
}

fn refusal(from: &str, to: &str) -> Option<String> {
    for folder in [from, to] {
        if floor(folder).is_none() {
            return Some(format!(
                "`{folder}` has no floor; give it one in the table of floors, or of nouns"
            ));
        }
    }
    let (Some(from_floor), Some(to_floor)) = (floor(from), floor(to)) else {
        return None;
    };
    if from_floor == NOUN_FLOOR && to_floor == NOUN_FLOOR {
        let below = NOUNS.iter().find(|(noun, _)| *noun == from);
        return (!below.is_some_and(|(_, below)| below.contains(&to))).then(|| {
            format!("`{to}` is not below `{from}` in the table of nouns; move what both need down, or say there why it is below")
        });
    }
    (to_floor >= from_floor).then(|| {
        format!("`{from}` looks up at `{to}`; a floor looks at lower ones only: live <- ground <- web, access <- nouns <- pages, background <- routes")
    })
}

fn floor(folder: &str) -> Option<usize> {
    if NOUNS.iter().any(|(noun, _)| *noun == folder) {
        return Some(NOUN_FLOOR);
    }
    FLOORS.iter().position(|floor| floor.contains(&folder))
}

/// Modules of one folder that look at one another in a circle.
fn circles(looks: &[Look]) -> Vec<Finding> {
    // For each folder: which of its children looks at which other, with the first place where it does.
    let mut levels: BTreeMap<&[String], BTreeMap<(&str, &str), &Look>> = BTreeMap::new();
    for look in looks {
        let shared = look
            .from
            .iter()
            .zip(&look.to)
            .take_while(|(from, to)| from == to)
            .count();
        // A module and its own parent are one family, no circle.
        if let (Some(from), Some(to)) = (look.from.get(shared), look.to.get(shared)) {
            levels
                .entry(&look.from[..shared])
                .or_default()
                .entry((from, to))
                .or_insert(look);
        }
    }
    let mut findings = Vec::new();
    for edges in levels.values() {
        let mut named = BTreeSet::new();
        for ((from, to), look) in edges {
            if named.contains(from) || named.contains(to) {
                continue;
            }
            if let Some(way) = way_back(edges, to, from) {
                named.extend(way.iter().copied());
                let steps: Vec<String> = std::iter::once(*from)
                    .chain(way)
                    .map(|name| format!("`{name}`"))
                    .collect();
                findings.push(Finding {
                    path: look.path.clone(),
                    line: look.line,
                    sentence: format!(
                        "a circle: {}; move what they share into a file below them",
                        steps.join(" -> ")
                    ),
                });
            }
        }
    }
    findings
}

/// The shortest way from one child to another along the looks, both ends named.
fn way_back<'a>(
    edges: &BTreeMap<(&'a str, &'a str), &Look>,
    from: &'a str,
    to: &'a str,
) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![from]];
    let mut seen = BTreeSet::from([from]);
    while let Some(way) = ways.first().cloned() {
        ways.remove(0);
        let last = *way.last()?;
        if last == to {
            return Some(way);
        }
        for (_, next) in edges.keys().filter(|(start, _)| *start == last) {
            if seen.insert(next) {
                ways.push(way.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{check, circles, upward};
    use crate::tidy::modules::Look;
    use crate::tidy::source::SourceFile;

    fn look(from: &str, to: &str) -> Look {
        let place = |text: &str| text.split("::").map(str::to_owned).collect();
        Look {
            from: place(from),
            to: place(to),
            path: format!("{from}.rs"),
            line: 1,
        }
    }

    #[test]
    fn a_look_downwards_is_fine_and_one_upwards_is_refused() {
        assert_eq!(upward(&[look("pages::builds", "builds::stop")]), []);
        let refused = upward(&[look("ground::app", "pages::builds")]);
        assert!(
            refused[0].sentence.contains("`ground` looks up at `pages`"),
            "{refused:?}"
        );
    }

    #[test]
    fn nouns_look_only_at_those_below_them() {
        assert_eq!(upward(&[look("schedules::run_now", "builds::start")]), []);
        let refused = upward(&[look("builds::start", "schedules::run_now")]);
        assert!(refused[0].sentence.contains("not below"), "{refused:?}");
    }

    #[test]
    fn a_folder_without_a_floor_is_refused() {
        let refused = upward(&[look("cellar::wine", "ground::app")]);
        assert!(refused[0].sentence.contains("has no floor"), "{refused:?}");
    }

    #[test]
    fn a_circle_is_named_by_its_members() {
        let refused = circles(&[
            look("shop::till", "shop::stock"),
            look("shop::stock::shelf", "shop::order"),
            look("shop::order", "shop::till"),
            look("shop::order", "shop"),
        ]);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0]
                .sentence
                .contains("`order` -> `till` -> `stock` -> `order`"),
            "{refused:?}"
        );
    }

    #[test]
    fn a_planted_circle_in_the_text_of_a_crate_is_found() {
        let file = |path: &str, text: &str| SourceFile {
            path: format!("crates/pipewright-core/src/{path}"),
            text: text.to_owned(),
        };
        let one_way = [
            file("lib.rs", "mod a;\nmod b;\n"),
            file("a.rs", "use crate::b::B;\n"),
            file("b.rs", "struct B;\n"),
        ];
        assert_eq!(check(&one_way), []);
        let round = [
            file("lib.rs", "mod a;\nmod b;\n"),
            file("a.rs", "use crate::b::B;\n"),
            file("b.rs", "struct B;\nfn f() { super::a::g(); }\n"),
        ];
        assert_eq!(check(&round).len(), 1);
    }
}
