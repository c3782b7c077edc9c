//! Files of every shape that could hurt, and a long one as people write it: what the figures and the memory test are about.

use std::fmt::Write as _;

/// About 3,000 lines: 400 anchored steps, each used once.
pub(crate) fn long_file() -> String {
    let mut text = String::from("image: alpine\ndefinitions:\n  steps:\n");
    for step in 0..400 {
        let _ = write!(
            text,
            "    - step: &step{step}\n        name: Step {step}\n        caches: [node]\n        script:\n          - make a\n          - make b\n"
        );
    }
    text.push_str("pipelines:\n  branches:\n");
    for branch in 0..40 {
        let _ = writeln!(text, "    branch{branch}:");
        for step in 0..10 {
            let _ = writeln!(text, "      - step: *step{}", branch * 10 + step);
        }
    }
    text
}

/// One text a number, joined.
fn repeated(numbers: std::ops::Range<usize>, text: impl Fn(usize) -> String) -> String {
    numbers.map(text).collect::<Vec<_>>().concat()
}

pub(crate) fn hostile() -> Vec<(&'static str, String)> {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    let mut nested = String::from("a0: &a0 [x]\n");
    let mut merges = String::from("a0: &a0 {k0: v}\n");
    for level in 1..10_000 {
        if level < 10 {
            let _ = writeln!(
                laughs,
                "a{level}: &a{level} [{}]",
                vec![format!("*a{}", level - 1); 10].join(", ")
            );
        }
        let _ = writeln!(nested, "a{level}: &a{level} [*a{}]", level - 1);
        let _ = writeln!(
            merges,
            "a{level}: &a{level} {{<<: *a{}, k{level}: v}}",
            level - 1
        );
    }
    let megabyte = 1024 * 1024 - 100;
    let cut = |text: String| text.chars().take(megabyte).collect::<String>();
    let keys: String = repeated(0..20_000, |index| format!("        unknwon{index}: x\n"));
    let anchors: String = repeated(0..20_000, |index| format!("- &anchor{index} x\n"));
    let wide = "a: &a {k0: v, k1: v, k2: v, k3: v, k4: v, k5: v, k6: v, k7: v, k8: v, k9: v}\nb:\n"
        .to_owned()
        + &"- {<<: *a}\n".repeat(5000);
    let steps =
        "pipelines:\n  default:\n".to_owned() + &"    - step: {script: [a]}\n".repeat(20_000);
    let patterns: String = repeated(0..20_000, |index| {
        format!("    feature/{{a,b}}/**/{index}*: [{{step: {{script: [a]}}}}]\n")
    });
    let mut branches = "definitions:\n  p: &p\n".to_owned()
        + &"    - step: {caches: [node], services: [docker], script: [a]}\n".repeat(90)
        + "pipelines:\n  branches:\n";
    for branch in 0..55 {
        let _ = writeln!(branches, "    b{branch}: *p");
    }
    let legal = repeated(0..5_500, |index| {
        format!("    feature/{{a,b}}/**/{index}*: [{{step: {{script: [a]}}}}]\n")
    });
    let near: String = repeated(0..8_000, |index| {
        format!("    service-number-{index}: {{image: x}}\n")
    });
    let misses = (0..8_000)
        .map(|index| format!("service-nmuber-{index}"))
        .collect::<Vec<_>>()
        .join(", ");
    vec![
        ("billion laughs", laughs),
        ("10,000 nested aliases", nested),
        ("10,000 nested merges", merges),
        ("wide merges", wide),
        ("20,000 brackets", "[".repeat(20_000)),
        ("1 MiB of brackets", "[".repeat(megabyte)),
        ("1 MiB of `- `", "- ".repeat(megabyte / 2)),
        ("1 MiB of `a: b` lines", cut("a: b\n".repeat(megabyte / 5))),
        ("1 MiB of `- a` lines", cut("- a\n".repeat(megabyte / 4))),
        (
            "1 MiB of unique keys",
            cut(repeated(0..100_000, |index| format!("k{index}: v\n"))),
        ),
        (
            "duplicate keys on one line of 1 MiB",
            cut(format!("a: {{{}}}", "k: v, ".repeat(megabyte / 6 - 2))),
        ),
        (
            "duplicate keys on one line",
            format!(
                "a: {{{}}}",
                format!("k{}: v, ", "x".repeat(50)).repeat(15_000)
            ),
        ),
        (
            "1 MiB in one scalar",
            format!("a: \"{}\"", "x".repeat(megabyte)),
        ),
        (
            "1 MiB in one block scalar",
            cut(format!(
                "a: |\n{}",
                "  line of text\n".repeat(megabyte / 15)
            )),
        ),
        ("1 MiB comment", "#".repeat(megabyte)),
        ("1 MiB of blank lines", "\n".repeat(megabyte)),
        (
            "1 MiB of conflict marks",
            cut("<<<<<<< a\n".repeat(megabyte / 10)),
        ),
        ("1 MiB of `*`", "*".repeat(megabyte)),
        ("1 MiB of tabs", "\t".repeat(megabyte)),
        ("1 MiB of `? `", "? ".repeat(megabyte / 2)),
        ("1 MiB of `!a `", "!a ".repeat(megabyte / 3)),
        (
            "20,000 unknown keys",
            format!("pipelines:\n  default:\n    - step:\n        script: [a]\n{keys}"),
        ),
        ("20,000 anchors", anchors),
        ("20,000 steps", steps),
        ("as many steps as allowed, in branches", branches),
        (
            "5,500 patterns",
            cut(format!("pipelines:\n  branches:\n{legal}")),
        ),
        (
            "20,000 patterns",
            cut(format!("pipelines:\n  branches:\n{patterns}")),
        ),
        (
            "8,000 near misses among 8,000 names",
            cut(format!(
                "definitions:\n  services:\n{near}pipelines:\n  default:\n    - step:\n        script: [a]\n        services: [{misses}]\n"
            )),
        ),
    ]
}
