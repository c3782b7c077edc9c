//! The pages that start builds, by hand and by schedule.

use super::{PILL, text};
use crate::pages::run::{Offer, PipelineForm, PipelineLink, RunPage, ShownFile, VariableField};
use crate::pages::samples::frame::{NOW, check, pages};
use crate::pages::schedules::{EditPage, RowOfSchedule, SchedulesPage, Times};

#[test]
fn every_page_to_run_a_build_renders() {
    for page in pages() {
        for full in [false, true] {
            let field = |allowed: Vec<String>| VariableField {
                field: text(),
                name: text(),
                description: Some(text()),
                value: text(),
                default: Some(text()),
                is_long: full,
                is_refused: !allowed.is_empty(),
                allowed,
            };
            let file = ShownFile {
                ref_name: text(),
                commit: text(),
                at: NOW,
                is_tip: full,
                is_of_another: full,
                is_missing: !full,
                problems: 2,
            };
            let link = PipelineLink {
                query: text(),
                custom: text(),
                name: text(),
                what: text(),
                is_current: full,
            };
            let offer = Offer {
                file: full.then_some(file),
                pipelines: vec![link].into_iter().filter(|_| full).collect(),
                fields: vec![field(Vec::new()), field(vec!["a".to_owned(), text()])],
                push_runs_nothing: Some(text()),
                is_unknown: full,
            };
            let form = PipelineForm {
                ref_text: text(),
                custom: text(),
                others: text(),
                more: [(text(), text())].into(),
                ..PipelineForm::default()
            };
            let run = RunPage {
                page: page.clone(),
                application: text(),
                slug: "checkout".to_owned(),
                path: "/harbor/applications/checkout/run".to_owned(),
                form,
                refs: vec![text()],
                refs_at: full.then_some(NOW),
                ref_error: full.then(text),
                offer: Some(offer),
                errors: vec![text()],
            };
            check("run", &run);
            check("run, without a ref", &RunPage { offer: None, ..run });
        }
    }
}

#[test]
fn every_page_of_schedules_renders() {
    for page in pages() {
        for full in [false, true] {
            let row = RowOfSchedule {
                path: text(),
                words: if full { text() } else { String::new() },
                cron: text(),
                zone: text(),
                custom: full.then(text),
                variables: 2,
                ref_name: text(),
                is_tag: full,
                is_on: full,
                next: full.then(|| (text(), NOW)),
                last: full.then_some((412, PILL)),
                message: Some(text()),
            };
            let list = SchedulesPage {
                page: page.clone(),
                application: text(),
                slug: "checkout".to_owned(),
                path: "/harbor/applications/checkout/schedules".to_owned(),
                schedules: vec![row],
                may_change: full,
            };
            check("schedules", &list);
            check(
                "no schedules",
                &SchedulesPage {
                    schedules: Vec::new(),
                    ..list
                },
            );
            let times = Times {
                from: text(),
                error: (!full).then(text),
                words: text(),
                times: vec![(text(), NOW)],
                zone: text(),
                is_bitbucket: full,
            };
            let link = PipelineLink {
                query: text(),
                custom: text(),
                name: text(),
                what: text(),
                is_current: full,
            };
            let edit = EditPage {
                page: page.clone(),
                application: text(),
                slug: "checkout".to_owned(),
                path: "/harbor/applications/checkout/schedules".to_owned(),
                own: "/harbor/applications/checkout/schedules/new".to_owned(),
                is_new: full,
                form: PipelineForm {
                    ref_text: text(),
                    custom: text(),
                    others: text(),
                    more: [(text(), text())].into(),
                    ..PipelineForm::default()
                },
                cron: text(),
                zone: text(),
                is_on: full,
                presets: &[("Hourly", "hourly", "0 * * * *")],
                zones: vec![text()],
                refs: vec![text()],
                ref_error: full.then(text),
                offer: Offer {
                    pipelines: vec![link].into_iter().filter(|_| full).collect(),
                    is_unknown: full,
                    ..Offer::default()
                },
                times,
                errors: vec![text()],
            };
            check("schedule", &edit);
        }
    }
}
