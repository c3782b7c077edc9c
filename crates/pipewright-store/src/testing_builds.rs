//! Rows that tests of builds begin with: an application, and builds of it.

use pipewright_core::build::BuildState;
use pipewright_core::ids::{AccountId, ApplicationId, BuildId, RepositoryId};
use pipewright_core::plan::testing::{a_group, a_plan as sample, a_step};
use pipewright_core::plan::{GroupKind, StepPlan};
use pipewright_core::{Plan, RefName, Timestamp, TriggerKind};

use crate::builds::{Created, NewBuild, TriggerDetail};
use crate::db::{Db, Tx};

/// An application with everything above it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) account: AccountId,
    pub(crate) repository: RepositoryId,
    pub(crate) application: ApplicationId,
}

/// Makes an application.
pub(crate) async fn an_application(db: &Db, slug: &str) -> Made {
    let mut tx = db.begin().await.expect("begins");
    let (account, user) = crate::integrations::testing::an_account(&mut tx, slug).await;
    let integration = crate::integrations::testing::an_integration(&mut tx, account, user).await;
    let repository = crate::repositories::testing::a_repository(
        &mut tx,
        account,
        integration,
        &format!("acme/{slug}"),
    )
    .await;
    let application =
        crate::applications::testing::an_application(&mut tx, account, user, repository, slug)
            .await;
    tx.commit().await.expect("commits");
    Made {
        account,
        repository,
        application,
    }
}

/// A push of this branch, with a commit of this digit.
pub(crate) fn a_build(made: Made, branch: &str, digit: char) -> NewBuild {
    NewBuild {
        id: BuildId::new(),
        account_id: made.account,
        application_id: made.application,
        ref_name: RefName::branch(branch).expect("a branch"),
        commit: digit.to_string().repeat(40).parse().expect("a commit"),
        previous: None,
        trigger: TriggerKind::Push,
        detail: TriggerDetail::default(),
        repeatable: false,
        event: None,
        delivery_id: None,
        started_by: None,
        accepted_at: Timestamp::from_seconds(100),
        created_at: Timestamp::from_seconds(100),
    }
}

/// A plan of one step.
pub(crate) fn a_plan() -> Plan {
    a_plan_of(1)
}

/// A plan of so many steps, one after another.
pub(crate) fn a_plan_of(steps: usize) -> Plan {
    let step = StepPlan {
        line: 1,
        ..a_step("Step 1")
    };
    sample(vec![a_group(GroupKind::Step, vec![step]); steps])
}

/// A build with its one step queued, as planning leaves it.
pub(crate) async fn a_planned_build(tx: &mut Tx, made: Made, branch: &str, digit: char) -> BuildId {
    a_planned_build_of(tx, made, branch, digit, 1).await
}

/// A build of so many steps with its first one queued.
pub(crate) async fn a_planned_build_of(
    tx: &mut Tx,
    made: Made,
    branch: &str,
    digit: char,
    steps: usize,
) -> BuildId {
    let (now, plan) = (Timestamp::from_seconds(101), a_plan_of(steps));
    let new = a_build(made, branch, digit);
    assert!(matches!(
        crate::builds::create(tx, &new).await.expect("creates"),
        Created::New { .. }
    ));
    crate::builds::set_plan(
        tx,
        new.id,
        Some(&plan),
        Some(b"pipelines:"),
        &serde_json::json!([]),
        now,
    )
    .await
    .expect("plans");
    crate::steps::insert_all(tx, new.id, &plan)
        .await
        .expect("steps");
    crate::builds::set_state(
        tx,
        new.id,
        BuildState::Queued,
        BuildState::Running,
        None,
        now,
    )
    .await
    .expect("runs");
    crate::attempts::queue(tx, new.id, 0, 1, now)
        .await
        .expect("queues");
    new.id
}
