//! Lists of an installation that has been used for years: 2,000 applications, 100,000 builds, 1,000,000 deliveries. A page
//! must cost what it shows, and not what there is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_core::ids::{BuildId, DeliveryId};
use pipewright_core::{RefName, Timestamp, TriggerKind};
use pipewright_server::{Clock, SystemClock};
use pipewright_store::builds::{NewBuild, TriggerDetail};
use pipewright_store::decisions::{ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::deliveries::{DeliveryState, NewDelivery, Origin};
use pipewright_store::{Db, builds, decisions, deliveries};

use crate::house::{Home, open_database};
use crate::http_client::Connection;
use crate::intake::nowhere;
use crate::place::{Place, Places};
use crate::seed::{ACCOUNT, Listed, Remote, more_applications};
use crate::table::{Row, Times, print};

/// Applications, beside the one that every figure has.
const APPLICATIONS: usize = 2_000;

/// Builds, shared out among them.
const BUILDS: usize = 100_000;

/// Deliveries, each decided.
const DELIVERIES: usize = 1_000_000;

/// Rows written in one transaction.
const AT_ONCE: usize = 5_000;

/// Requests for each page.
const NUMBER: usize = 200;

/// The first path is asked for a few times before anything is counted.
const WARM: usize = 10;

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    let remote = nowhere()?;
    let mut rows = Vec::new();
    for place in places.each() {
        measure(place, &remote, number.unwrap_or(NUMBER), &mut rows).await?;
    }
    let note = format!(
        "{APPLICATIONS} applications, {BUILDS} builds, {DELIVERIES} deliveries with their decisions; one request at a time"
    );
    Ok(print("lists: whole pages, signed in", &rows, &[note])?)
}

async fn measure(
    place: Place,
    remote: &Remote,
    number: usize,
    rows: &mut Vec<Row>,
) -> anyhow::Result<()> {
    let directory = place.directory()?;
    let home = Home::furnish(directory.path(), remote).await?;
    let db = open_database(directory.path()).await?;
    let applications = more_applications(&db, remote, &home.seeded, APPLICATIONS).await?;
    let history = History {
        db: &db,
        home: &home,
        applications: &applications,
        begin: SystemClock.now() - Duration::from_hours(24 * 300),
    };
    history.write_builds().await?;
    history.write_deliveries().await?;
    db.close().await;

    let server = home.serve(0).await?;
    let middle = applications[applications.len() / 2].2.as_str();
    let session = &home.seeded.session;
    let pages = [
        ("landing page", String::from("/")),
        ("applications", format!("/{ACCOUNT}/applications")),
        ("builds", format!("/{ACCOUNT}/builds")),
        (
            "builds that failed",
            format!("/{ACCOUNT}/builds?state=failed"),
        ),
        (
            "builds of a branch",
            format!("/{ACCOUNT}/builds?branch=branch-77"),
        ),
        (
            "builds, looked for",
            format!("/{ACCOUNT}/builds?q=nobody-wrote-this"),
        ),
        (
            "builds of an application",
            format!("/{ACCOUNT}/applications/{middle}/builds"),
        ),
        (
            "an application",
            format!("/{ACCOUNT}/applications/{middle}"),
        ),
        ("deliveries", format!("/{ACCOUNT}/deliveries")),
        (
            "why",
            format!("/{ACCOUNT}/applications/{middle}/why?q=branch-77"),
        ),
        ("jump box", format!("/{ACCOUNT}/jump?q=service-19")),
        ("audit log", format!("/{ACCOUNT}/settings/audit-log")),
        ("storage", format!("/{ACCOUNT}/settings/storage")),
        ("installation", String::from("/installation")),
    ];
    for (what, path) in pages {
        let times = ask(server.address, session, &path, number).await?;
        rows.push(
            Row::new(format!("{}: {what}", place.word()))
                .times(&times)
                .goal("p99 ≤ 50 ms"),
        );
    }
    server.stop().await
}

/// Asks for a page this many times.
async fn ask(
    address: SocketAddr,
    session: &str,
    path: &str,
    number: usize,
) -> anyhow::Result<Times> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/html\r\ncookie: pipewright_session={session}\r\n\r\n"
    );
    let mut connection = Connection::open(address).await?;
    let mut times = Times::default();
    for round in 0..WARM + number {
        let begin = Instant::now();
        let status = connection.exchange(request.as_bytes()).await?;
        ensure!(status == 200, "{path} is answered {status}");
        if round >= WARM {
            times.add(begin.elapsed());
        }
    }
    Ok(times)
}

/// What happened in ten months.
struct History<'a> {
    db: &'a Db,
    home: &'a Home,
    applications: &'a [Listed],
    begin: Timestamp,
}

impl History<'_> {
    async fn write_builds(&self) -> anyhow::Result<()> {
        let account = self.home.seeded.account;
        for first in (0..BUILDS).step_by(AT_ONCE) {
            let mut tx = self.db.begin().await?;
            for index in first..(first + AT_ONCE).min(BUILDS) {
                let (application, ..) = self.applications[index % self.applications.len()];
                let at = self.begin + Duration::from_mins(4) * index as u32;
                let new = NewBuild {
                    id: BuildId::new(),
                    account_id: account,
                    application_id: application,
                    ref_name: RefName::branch(&format!("branch-{}", index % 500))?,
                    commit: format!("{index:040x}").parse()?,
                    previous: None,
                    trigger: TriggerKind::Push,
                    detail: TriggerDetail::default(),
                    repeatable: false,
                    event: None,
                    delivery_id: None,
                    started_by: None,
                    accepted_at: at,
                    created_at: at,
                };
                builds::create(&mut tx, &new).await?;
                let outcome = if index % 10 == 0 {
                    BuildOutcome::Failed
                } else {
                    BuildOutcome::Passed
                };
                let ended = BuildState::Finished(outcome);
                let later = at + Duration::from_mins(2);
                builds::set_state(&mut tx, new.id, BuildState::Queued, ended, None, later).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn write_deliveries(&self) -> anyhow::Result<()> {
        let seeded = &self.home.seeded;
        for first in (0..DELIVERIES).step_by(AT_ONCE) {
            let mut tx = self.db.begin().await?;
            for index in first..(first + AT_ONCE).min(DELIVERIES) {
                let (application, repository, _) =
                    self.applications[index % self.applications.len()];
                let at = self.begin + Duration::from_secs(25) * index as u32;
                let id = DeliveryId::new();
                let new = NewDelivery {
                    id,
                    account_id: seeded.account,
                    repository_id: repository,
                    webhook_id: seeded.hook_id.as_uuid(),
                    request_id: id.to_string(),
                    event: None,
                    origin: Origin::Bitbucket,
                    event_key: "repo:refs_changed".to_owned(),
                    attempt_number: 1,
                    headers: Vec::new(),
                    // Bodies are not kept for so long.
                    body: Vec::new(),
                    received_at: at,
                };
                deliveries::insert(&mut tx, &new).await?;
                deliveries::settle(&mut tx, id, DeliveryState::Decided, None, at).await?;
                let decision = NewDecision {
                    account_id: seeded.account,
                    delivery_id: id,
                    application_id: Some(application),
                    position: 0,
                    change_kind: ChangeKind::Updated,
                    ref_name: Some(format!("refs/heads/branch-{}", index % 500)),
                    old_hash: None,
                    new_hash: Some(format!("{index:040x}")),
                    outcome: DecisionOutcome::NotBuilt,
                    reason: "branch_not_selected",
                    sentence: "This branch is not built.".to_owned(),
                    build_id: None,
                    decided_at: at,
                };
                decisions::insert(&mut tx, &decision).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
