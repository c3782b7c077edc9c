//! Every page of builds, logs and deliveries, rendered with ordinary and with hostile contexts.

pub(crate) mod frame;
mod installation;
mod starts;
mod tested;

use super::builds::{
    Again, ArtifactsPage, BuildPage, BuildsPage, Choice, Chosen, Column, Fact, FileLine, FlowStep,
    Head, LogPart, Narrowed, Piece, PipelineFilePage, PlannedGroup, PlannedStep, Pushed, Recorded,
    RowOfBuild, ShownArtifact, ShownAttempt, ShownDiagnostic, ShownImport, ShownStatus, SourceLine,
    StateChip, Tab, TimelinePage, TrailLine,
};
use super::deliveries::{DeliveriesPage, DeliveryPage, OutcomeChip, RowOfDelivery, ShownDecision};
use super::logs::{LogPanel, ShownLine, ShownMatches};
use crate::pages::samples::frame::{NOW, check, pages};
use crate::web::Page;
use crate::web::check_html::HOSTILE;
use crate::web::states::Pill;

const PILL: Pill = Pill {
    class: "bad",
    label: "Failed",
};

fn recorded(name: &'static str, at: Option<pipewright_core::Timestamp>) -> Recorded {
    Recorded {
        name,
        at,
        text: text(),
    }
}

fn text() -> String {
    HOSTILE.to_owned()
}

fn head(page: &Page, tab: Tab, full: bool) -> Head {
    let step = |number, icon, is_current| FlowStep {
        number,
        name: text(),
        icon,
        pill: PILL,
        time: Some(text()).filter(|_| is_current),
        is_told: is_current,
        marks: vec![text(), text()],
        reason: Some(vec![piece(true)]),
        is_current,
        may_run: icon == "manual",
        may_rerun: icon == "passed",
    };
    let column = |class, title: Option<String>, steps| Column {
        class,
        title,
        notes: vec![text()],
        is_many: class == "parallel",
        steps,
    };
    let columns = vec![
        column("one", None, vec![step(1, "passed", false)]),
        column(
            "parallel",
            Some(text()),
            vec![
                step(2, "failed", true),
                step(3, "ignored", false),
                step(4, "running", false),
            ],
        ),
        column(
            "stage",
            Some(text()),
            vec![
                step(5, "skipped", false),
                step(6, "manual", false),
                step(7, "queued", false),
            ],
        ),
        column("one", None, vec![step(8, "not-run", false)]),
        column("final", Some(text()), vec![step(9, "stopped", false)]),
    ];
    let again = Again {
        all: Some(text()),
        failed: Some(text()),
        from: Some((2, text(), text())),
    };
    let part = |value: Option<String>| value.filter(|_| full);
    Head {
        page: page.clone(),
        path: "/harbor/applications/checkout/builds/412".to_owned(),
        application: text(),
        application_path: "/harbor/applications/checkout".to_owned(),
        number: 412,
        title: text(),
        pill: PILL,
        took: part(Some(text())),
        is_tag: full,
        ref_name: text(),
        commit: "7c1e09a".to_owned(),
        merged: full.then(|| (text(), text())),
        commit_url: text(),
        author: part(Some(text())),
        trigger: text(),
        accepted_at: NOW,
        start: part(Some(text())),
        pipeline: part(Some(text())),
        rerun_of: full.then_some(1),
        sentence: part(Some(text())),
        qualification: part(Some(text())),
        columns: if full { columns } else { Vec::new() },
        tab,
        tests: part(Some(text())),
        artifacts: if full { 3 } else { 0 },
        may_stop: full,
        to_run: if full { vec![(6, text())] } else { Vec::new() },
        again: if full { again } else { Again::default() },
        live: part(Some(text())),
        every: 1000,
    }
}

fn piece(is_code: bool) -> Piece {
    Piece {
        text: text(),
        is_code,
    }
}

fn diagnostic() -> ShownDiagnostic {
    let line = |number, marked: &str| SourceLine {
        number,
        before: text(),
        marked: marked.to_owned(),
        after: text(),
    };
    ShownDiagnostic {
        class: "bad",
        word: "error",
        text: text(),
        message: vec![piece(false), piece(true)],
        code: text(),
        file: None,
        line: 2,
        column: 1,
        path: text(),
        help: Some(vec![piece(true)]),
        source: vec![line(1, ""), line(2, HOSTILE)],
        labels: vec![(1, text())],
    }
}

fn log(page: &Page, with_log: bool) -> LogPart {
    let line = |number, is_command, is_hit| ShownLine {
        number,
        html: "<span class=\"f2\">ok</span>".to_owned(),
        is_command,
        is_hit,
    };
    let panel = LogPanel {
        lines: vec![line(1, true, false), line(2, false, true)],
        total: 2,
        earlier: Some(1),
        later: Some(3),
        hit: Some(2),
        find: text(),
        matches: Some(ShownMatches {
            count: 17,
            at: 3,
            previous: 1,
            next: 9,
        }),
    };
    LogPart {
        page: page.clone(),
        path: "/harbor/applications/checkout/builds/412".to_owned(),
        step: 2,
        name: text(),
        pill: PILL,
        live: Some(text()),
        next: Some(text()),
        sentence: text(),
        diagnostics: vec![diagnostic()],
        attempt: Some(text()),
        attempt_number: 1,
        attempts: vec![
            Choice {
                number: 1,
                is_current: true,
                what: text(),
            },
            Choice {
                number: 2,
                is_current: false,
                what: text(),
            },
        ],
        message: Some(text()),
        message_is_bad: true,
        runner: Some(text()),
        exit: Some(text()),
        may_rerun: true,
        may_run: true,
        is_growing: true,
        size: text(),
        log: with_log.then_some(panel),
    }
}

#[test]
fn every_page_of_a_build_renders() {
    for page in pages() {
        for full in [false, true] {
            check(
                "build",
                &BuildPage {
                    page: page.clone(),
                    head: head(&page, Tab::Log, full),
                    pushed: Pushed {
                        sentence: text(),
                        commits: if full {
                            vec![(text(), text(), text())]
                        } else {
                            Vec::new()
                        },
                        more: full.then(text),
                    },
                    log: log(&page, full),
                },
            );
            let other = pipewright_spec::plan::NotChosen {
                pipeline: text(),
                line: 3,
                why_not: text(),
            };
            let chosen = Chosen {
                pipeline: Some(text()).filter(|_| full),
                line: 2,
                reason: vec![piece(true)],
                because: text(),
                others: vec![other],
            };
            let trail = TrailLine {
                at: NOW,
                delivery: text(),
                word: text(),
                sentence: text(),
                reason: text(),
            };
            let attempt = ShownAttempt {
                step: 1,
                step_name: text(),
                number: 1,
                pill: PILL,
                runner: text(),
                waited: text(),
                took: text(),
                parts: text(),
                message: Some(text()),
            };
            let status = ShownStatus {
                state: "failed",
                at: NOW,
                pill: PILL,
                what: text(),
            };
            let timeline = TimelinePage {
                page: page.clone(),
                head: head(&page, Tab::Timeline, full),
                facts: vec![
                    recorded("Commit", None),
                    recorded("Started by", None),
                    recorded("Accepted", Some(NOW)),
                ],
                chosen: Some(chosen.clone()).filter(|_| full),
                why: text(),
                trail: vec![trail].into_iter().filter(|_| full).collect(),
                attempts: vec![attempt].into_iter().filter(|_| full).collect(),
                statuses: vec![status].into_iter().filter(|_| full).collect(),
            };
            check("timeline", &timeline);
            let artifact = ShownArtifact {
                name: text(),
                note: "only for people",
                step: text(),
                files: 3,
                size: text(),
                expires_at: NOW,
                expires: text(),
                path: full.then(text),
                listing: vec![(text(), text())],
                more: 2,
            };
            let artifacts = ArtifactsPage {
                page: page.clone(),
                head: head(&page, Tab::Artifacts, full),
                artifacts: vec![artifact].into_iter().filter(|_| full).collect(),
                keep_days: 14,
            };
            check("artifacts", &artifacts);
            let fact = Fact {
                name: "Image",
                values: vec![text(), text()],
            };
            let planned = PlannedStep {
                number: 1,
                name: text(),
                line: Some(2).filter(|_| full),
                pill: PILL,
                facts: vec![fact.clone()],
                script: text(),
                after_script: text(),
            };
            let group = PlannedGroup {
                title: Some(text()).filter(|_| full),
                facts: vec![fact],
                steps: vec![planned],
            };
            let line = FileLine {
                number: 1,
                text: text(),
                is_step: true,
                problem: Some(("bad", text())),
            };
            let file = PipelineFilePage {
                page: page.clone(),
                head: head(&page, Tab::PipelineFile, full),
                diagnostics: vec![
                    diagnostic(),
                    ShownDiagnostic {
                        file: Some(text()),
                        ..diagnostic()
                    },
                ],
                summary: text(),
                chosen: Some(chosen),
                variables: vec![(text(), text())],
                groups: vec![group],
                imported: (!full).then(|| ShownImport {
                    file: text(),
                    pipeline: text(),
                    commit: text(),
                }),
                lines: vec![line].into_iter().filter(|_| full).collect(),
                size: text(),
                is_cut: full,
            };
            check("pipeline file", &file);
        }
    }
}

#[test]
fn every_list_of_builds_renders() {
    for page in pages() {
        for full in [false, true] {
            let row = RowOfBuild {
                path: text(),
                number: 412,
                application: text(),
                application_path: text(),
                pill: PILL,
                title: text(),
                ref_name: text(),
                is_tag: full,
                commit: text(),
                author: Some(text()),
                trigger: text(),
                pipeline: full.then(text),
                at: NOW,
                took: Some(text()),
                tests: full.then(|| ("bad", text())),
            };
            let list = BuildsPage {
                page: page.clone(),
                application: full.then(|| (text(), "checkout".to_owned())),
                builds: if full { vec![row] } else { Vec::new() },
                states: vec![StateChip {
                    label: "All",
                    query: text(),
                    is_current: true,
                }],
                narrowed: Narrowed {
                    state: text(),
                    branch: text(),
                    q: text(),
                    since: text(),
                    until: text(),
                },
                path: "/harbor/builds".to_owned(),
                older: Some(text()),
                newer: full.then(text),
                is_first: full,
                is_filtered: full,
                live: Some(text()),
                run: full.then(text),
            };
            check("builds", &list);
        }
    }
}

/// A decision about this build.
pub(in crate::pages) fn sample_decision(build: Option<(String, i64)>) -> ShownDecision {
    ShownDecision {
        pill: PILL,
        ref_name: text(),
        moved: text(),
        sentence: text(),
        reason: text(),
        application: Some(text()),
        why: Some(text()),
        build,
    }
}

#[test]
fn every_page_of_deliveries_renders() {
    for page in pages() {
        for full in [false, true] {
            let decision = sample_decision(
                full.then(|| ("/applications/checkout/builds/412".to_owned(), 412)),
            );
            let row = RowOfDelivery {
                id: "1".to_owned(),
                received_at: NOW,
                repository: text(),
                event: text(),
                origin: "sent by Bitbucket",
                pill: PILL,
                message: Some(text()),
                decisions: if full {
                    vec![decision.clone()]
                } else {
                    Vec::new()
                },
            };
            let list = DeliveriesPage {
                page: page.clone(),
                deliveries: vec![row],
                outcomes: vec![OutcomeChip {
                    label: "All",
                    query: text(),
                    is_current: true,
                }],
                repository: Some(text()),
                newer: Some(text()),
                newest: text(),
                older: Some(text()),
                is_first: full,
                is_filtered: full,
                live: Some(text()),
            };
            check("deliveries", &list);
            check(
                "no deliveries",
                &DeliveriesPage {
                    deliveries: Vec::new(),
                    ..list
                },
            );
            let one = DeliveryPage {
                page: page.clone(),
                id: "1".to_owned(),
                request_id: text(),
                repository: text(),
                event: text(),
                origin: "sent by Bitbucket",
                attempt: 2,
                pill: PILL,
                message: Some(text()),
                received_at: NOW,
                decided_after: Some(text()),
                decisions: if full { vec![decision] } else { Vec::new() },
                headers: vec![(text(), text())],
                body: text(),
                size: text(),
                is_cut: full,
                may_redeliver: full,
                live: full.then(text),
            };
            check("delivery", &one);
        }
    }
}
