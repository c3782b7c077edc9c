//! A property: in whatever order pushes are told, told again, and found by comparing refs, each is built exactly once.
//!
//! A model of Bitbucket moves one branch to and fro between few commits, so that it comes back to the same ones. Deliveries
//! come in any order, each once or more often; comparisons see where the branch stands at their moment and are decided then or
//! later. In the end everything has been told, and comparing finds nothing more.

use std::collections::{BTreeMap, HashMap};

use pipewright_core::ids::DeliveryId;
use pipewright_core::{CommitHash, RefName};
use pipewright_store::deliveries::{NewDelivery, Origin, insert};
use pipewright_store::refs;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::compare::{self, Known};
use crate::deliveries::decide::DecideLane;
use crate::ground::Lane as _;
use crate::testing::{TestOptions, TestServer};

/// Histories of each kind.
const HISTORIES: usize = 40;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Somebody moves the branch to a commit, or deletes it with 0.
    Push(u8),
    /// The webhook of a push arrives, for the first time or once more under its id.
    Deliver(usize),
    /// Bitbucket sends one again under another id, and says that it is another attempt.
    Resend(usize),
    /// A person has a delivery decided again.
    Redeliver(usize),
    /// Refs are compared.
    Compare,
    /// Refs are listed; what differs is decided with the next thing.
    List,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..4).prop_map(Act::Push),
        4 => (0_usize..12).prop_map(Act::Deliver),
        1 => (0_usize..12).prop_map(Act::Resend),
        1 => (0_usize..12).prop_map(Act::Redeliver),
        1 => Just(Act::Compare),
        1 => Just(Act::List),
    ]
}

/// A branch at Bitbucket, and what was told of it.
struct Model<'a> {
    server: &'a TestServer,
    branch: RefName,
    /// Every branch's place, of earlier cases too: comparing lists them all.
    remote: &'a mut BTreeMap<RefName, CommitHash>,
    /// Each push: where from, where to.
    pushes: Vec<(Option<CommitHash>, Option<CommitHash>)>,
    told: HashMap<usize, DeliveryId>,
    /// True where bodies carry Bitbucket's time.
    is_dated: bool,
}

fn commit(digit: u8) -> CommitHash {
    char::from(b'a' + digit)
        .to_string()
        .repeat(40)
        .parse()
        .expect("a commit")
}

/// A commit that no branch was at before.
fn fresh(number: usize) -> CommitHash {
    format!("{:040x}", 0xf000 + number)
        .parse()
        .expect("a commit")
}

impl Model<'_> {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Push(to) => {
                let old = self.remote.get(&self.branch).cloned();
                // A branch comes back to a commit only once everything before was told: what is told late of a branch that
                // went to and fro meanwhile cannot always be told apart, whoever looks.
                let new = if self.told.len() < self.pushes.len() {
                    Some(fresh(self.pushes.len()))
                } else {
                    (to > 0).then(|| commit(to))
                };
                if old == new {
                    return;
                }
                match &new {
                    Some(new) => self.remote.insert(self.branch.clone(), new.clone()),
                    None => self.remote.remove(&self.branch),
                };
                self.pushes.push((old, new));
            }
            Act::Deliver(which) if !self.pushes.is_empty() => {
                self.deliver(which % self.pushes.len()).await;
            }
            Act::Resend(which) if !self.pushes.is_empty() => {
                let which = which % self.pushes.len();
                // What is sent once more was sent before.
                self.deliver(which).await;
                self.store(which, &format!("again-{}", DeliveryId::new()), 2)
                    .await;
            }
            Act::Redeliver(which) if !self.pushes.is_empty() => {
                if let Some(delivery) = self.told.get(&(which % self.pushes.len())) {
                    self.server.redeliver(*delivery).await;
                }
            }
            Act::List => self.compare().await,
            Act::Compare => {
                self.decide().await;
                self.compare().await;
                self.decide().await;
            }
            _ => {}
        }
        if !matches!(act, Act::List) {
            self.decide().await;
        }
    }

    async fn deliver(&mut self, which: usize) {
        if let Some(id) = self.store(which, &self.request(which), 1).await {
            self.told.insert(which, id);
        }
    }

    fn request(&self, which: usize) -> String {
        format!("{}-{which}", self.branch.short())
    }

    /// Stores the webhook of a push; none where its id was stored before.
    async fn store(&self, which: usize, request: &str, attempt: i64) -> Option<DeliveryId> {
        let (old, new) = &self.pushes[which];
        let hash = |spot: &Option<CommitHash>| {
            spot.as_ref()
                .map_or_else(|| "0".repeat(40), |hash| hash.as_str().to_owned())
        };
        let kind = match (old, new) {
            (_, None) => "DELETE",
            (None, _) => "ADD",
            _ => "UPDATE",
        };
        let body = serde_json::json!({
            "date": self.is_dated.then(|| format!("2026-01-01T00:{:02}:{:02}+0000", which / 60, which % 60)),
            "changes": [{"refId": self.branch.full(), "fromHash": hash(old), "toHash": hash(new), "type": kind}],
        });
        let id = DeliveryId::new();
        let new = NewDelivery {
            id,
            account_id: self.server.account(),
            repository_id: self.server.repository_id(),
            webhook_id: self.server.repository_id().as_uuid(),
            request_id: request.to_owned(),
            event: None,
            origin: Origin::Bitbucket,
            event_key: "repo:refs_changed".to_owned(),
            attempt_number: attempt,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            received_at: self.server.app.clock.now(),
        };
        let mut tx = self.server.app.db.begin().await.expect("begins");
        let is_new = insert(&mut tx, &new).await.expect("stores");
        tx.commit().await.expect("commits");
        is_new.then_some(id)
    }

    async fn compare(&self) {
        let app = &self.server.app;
        let of = refs::one(&app.db, self.server.application())
            .await
            .expect("reads")
            .expect("the application");
        let known = Known::read(app, of.id).await.expect("reads");
        let remote: Vec<_> = self
            .remote
            .iter()
            .map(|(name, commit)| (name.clone(), commit.clone()))
            .collect();
        compare::store(app, &of, &known, &remote, None)
            .await
            .expect("stores");
    }

    async fn decide(&self) {
        let lane = DecideLane(self.server.app.clone());
        while let Some(unit) = lane.next(self.server.repository_id()).await.expect("reads") {
            lane.step(unit).await.expect("decides");
        }
    }

    /// How often each commit was pushed, and how often it was built.
    async fn counts(&self) -> (BTreeMap<CommitHash, usize>, BTreeMap<CommitHash, usize>) {
        let (mut pushed, mut built) = (BTreeMap::new(), BTreeMap::new());
        for commit in self.pushes.iter().filter_map(|(_, new)| new.clone()) {
            *pushed.entry(commit).or_default() += 1;
        }
        for build in self.server.builds().await {
            if build.ref_name == self.branch {
                *built.entry(build.commit).or_default() += 1;
            }
        }
        (pushed, built)
    }

    async fn stands(&self) -> Option<CommitHash> {
        refs::known(&self.server.app.db, self.server.application(), &self.branch)
            .await
            .expect("reads")
            .map(|(commit, _)| commit)
    }
}

/// Runs many histories through one server, a branch each.
async fn each_history(is_dated: bool, loses: bool, seed: u64) {
    let server = TestServer::with(TestOptions {
        works: false,
        runner_slots: 0,
        cancel_superseded: true,
        ..TestOptions::default()
    })
    .await;
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let strategy = (
        proptest::collection::vec(act(), 1..16),
        proptest::collection::vec(any::<prop::sample::Index>(), 16),
    );
    let mut remote = BTreeMap::new();
    for case in 0..HISTORIES {
        let (acts, order) = strategy.new_tree(&mut runner).expect("a history").current();
        let mut model = Model {
            server: &server,
            branch: RefName::branch(&format!("case-{case}")).expect("a branch"),
            remote: &mut remote,
            pushes: Vec::new(),
            told: HashMap::new(),
            is_dated,
        };
        for act in &acts {
            model.act(*act).await;
        }
        if !loses {
            let mut late: Vec<usize> = (0..model.pushes.len()).collect();
            for index in order {
                if !late.is_empty() {
                    let which = late.remove(index.index(late.len()));
                    model.act(Act::Deliver(which)).await;
                }
            }
        }
        for _ in 0..2 {
            model.act(Act::Compare).await;
        }
        let (pushed, built) = model.counts().await;
        let tip = model.remote.get(&model.branch).cloned();
        let what = format!("{acts:?}\n{}", server.history().await);
        assert_eq!(
            model.stands().await,
            tip,
            "it stands where it stands: {what}"
        );
        if loses {
            let too_often = built
                .iter()
                .find(|(commit, count)| pushed[*commit] < **count);
            assert!(
                too_often.is_none(),
                "built twice: {pushed:?} {built:?} {what}"
            );
        } else {
            assert_eq!(built, pushed, "each push once: {what}");
        }
        if let Some(tip) = tip {
            let runs = server.builds().await.iter().any(|build| {
                build.ref_name == model.branch
                    && build.commit == tip
                    && build.state.as_str() != "stopped"
            });
            assert!(runs, "the newest is never stopped for an older one: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_push_is_built_once_where_bitbucket_says_when_it_was() {
    each_history(true, false, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_push_is_built_once_where_bitbucket_does_not_say_when_it_was() {
    each_history(false, false, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_lost_webhooks_nothing_is_built_twice_and_the_newest_is_built() {
    each_history(true, true, 3).await;
    each_history(false, true, 4).await;
}
