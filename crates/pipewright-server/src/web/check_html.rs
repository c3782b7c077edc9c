//! Light rules for every rendered page: tags nest, ids are unique, nothing inline that the policy forbids, every field
//! has a name for people, and text from outside is escaped. For tests.

use std::collections::HashSet;

/// Text as an attacker would enter it. Put it into every field of a sample; [`check_html`] looks for it unescaped.
pub(crate) const HOSTILE: &str = "<evil a=\"b\" c='d'>&amp;$(x)";

/// Elements without an end tag.
const VOID: &[&str] = &["meta", "link", "input", "br", "hr", "img", "path", "circle"];

/// Checks a whole page or a fragment; panics with what is wrong.
pub(crate) fn check_html(name: &str, html: &str) {
    assert!(
        !html.contains("<evil"),
        "{name}: text from outside is not escaped"
    );
    assert!(
        !html.contains("a=\"b\" c="),
        "{name}: text from outside ends an attribute"
    );
    for forbidden in [
        " style=",
        " onclick=",
        " onload=",
        " onsubmit=",
        "javascript:",
        "<style",
        "{{",
        "{%",
    ] {
        assert!(
            !html.contains(forbidden),
            "{name}: {forbidden:?} is in the page"
        );
    }
    let mut open: Vec<&str> = Vec::new();
    let mut ids = HashSet::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = tag_end(rest)
            .unwrap_or_else(|| panic!("{name}: a tag without its end: {:?}", rest.get(..40)));
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        if let Some(closed) = tag.strip_prefix('/') {
            let opened = open.pop();
            assert_eq!(
                opened,
                Some(closed),
                "{name}: </{closed}> closes {opened:?}; before it: {:?}",
                context(html, rest)
            );
            continue;
        }
        let element = tag
            .split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap_or_default();
        if let Some(id) = attribute(tag, "id") {
            assert!(
                ids.insert(id.to_owned()),
                "{name}: the id {id:?} is there twice"
            );
        }
        check_names(name, element, tag, &open, rest);
        if !VOID.contains(&element) && !tag.ends_with('/') {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: left open: {open:?}");
}

/// Fields, links and buttons say what they are to people who do not see them.
fn check_names(name: &str, element: &str, tag: &str, open: &[&str], rest: &str) {
    let is_named = tag.contains("aria-label=") || tag.contains("title=");
    match element {
        "input" if !matches!(attribute(tag, "type"), Some("hidden" | "submit")) => {
            assert!(
                is_named || open.contains(&"label"),
                "{name}: a field without a label: <{tag}>"
            );
        }
        "select" | "textarea" => assert!(
            is_named || open.contains(&"label"),
            "{name}: a field without a label: <{tag}>"
        ),
        "button" | "a" => {
            let inside = rest
                .split(&format!("</{element}>"))
                .next()
                .unwrap_or_default();
            let mut text = String::new();
            let mut in_tag = false;
            for character in inside.chars() {
                match character {
                    '<' => in_tag = true,
                    '>' => in_tag = false,
                    other if !in_tag => text.push(other),
                    _ => {}
                }
            }
            assert!(
                is_named || !text.trim().is_empty(),
                "{name}: nothing names <{tag}>"
            );
        }
        _ => {}
    }
}

/// Where a tag ends: at the first `>` outside of quotes.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quoted = false;
    rest.char_indices()
        .find_map(|(index, character)| match character {
            '"' => {
                quoted = !quoted;
                None
            }
            '>' if !quoted => Some(index),
            _ => None,
        })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

fn context<'a>(html: &'a str, rest: &str) -> &'a str {
    let at = html.len() - rest.len();
    let mut from = at.saturating_sub(160);
    while !html.is_char_boundary(from) {
        from += 1;
    }
    &html[from..at]
}

#[test]
fn good_html_passes_and_each_fault_is_found() {
    check_html(
        "good",
        "<!doctype html><p id=\"a\">x<br><a href=\"/?a=1&gt;2\">y</a></p>",
    );
    for (fault, html) in [
        ("unclosed", "<p><b>x</p>"),
        ("left open", "<p>"),
        ("twice", "<p id=\"a\"></p><p id=\"a\"></p>"),
        ("inline style", "<p style=\"color: red\"></p>"),
        ("unescaped", "<p><evil></p>"),
        ("unlabelled", "<input name=\"x\">"),
        ("nameless button", "<button><svg></svg></button>"),
    ] {
        assert!(
            std::panic::catch_unwind(|| check_html(fault, html)).is_err(),
            "{fault}"
        );
    }
}
