//! The page rendered with ordinary and with hostile contexts.

use super::super::builds::Piece;
use super::super::samples::sample_decision;
use super::advice::Advice;
use super::gather::{Entry, StoryDecision};
use super::hearing::Heard;
use super::page::WhyPage;
use super::told::BuildStory;
use crate::pages::samples::frame::{NOW, check, pages};
use crate::web::check_html::HOSTILE;
use crate::web::states::Pill;

const PILL: Pill = Pill {
    class: "bad",
    label: "Failed",
};

fn text() -> String {
    HOSTILE.to_owned()
}

fn piece(is_code: bool) -> Piece {
    Piece {
        text: text(),
        is_code,
    }
}

#[test]
fn every_story_of_why_renders() {
    for page in pages() {
        for full in [false, true] {
            let shown = sample_decision(Some((text(), 412)));
            let build = BuildStory {
                path: text(),
                number: 412,
                title: text(),
                pill: PILL,
                lines: vec![vec![piece(false), piece(true)]],
            };
            let advice = Advice {
                sentence: "Press Run.",
                link: Some(("#auto-build", "Auto-build")),
            };
            let decision = StoryDecision {
                shown,
                advice: Some(advice).filter(|_| full),
                build: Some(build.clone()).filter(|_| full),
            };
            let entry = Entry {
                at: NOW,
                what: text(),
                delivery: Some(text()).filter(|_| full),
                decisions: vec![decision],
                more: usize::from(full),
                build: Some(build).filter(|_| !full),
            };
            let heard = Heard {
                name: "Webhook",
                pill: PILL,
                sentence: text(),
                link: Some((text(), "Webhook")),
            };
            let why = WhyPage {
                page: page.clone(),
                application: text(),
                slug: "checkout".to_owned(),
                about: if full { text() } else { String::new() },
                refs: vec![text()],
                heard: vec![heard],
                known: vec![text()],
                entries: vec![entry],
                reach: text(),
                older: Some(text()).filter(|_| full),
                newer: Some(text()).filter(|_| full),
                is_first: !full,
            };
            check("why", &why);
            check(
                "why nothing",
                &WhyPage {
                    entries: Vec::new(),
                    ..why
                },
            );
        }
    }
}
