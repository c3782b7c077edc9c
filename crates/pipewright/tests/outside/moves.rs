//! B4: which push is which. A branch that comes back to a commit it had before is built again, and a push of several commits
//! says on its page which of them have no build of their own.

use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_simulator::RefUpdate;

use crate::team::House;

const PASSED: BuildState = BuildState::Finished(BuildOutcome::Passed);
const PIPELINE: &str =
    "pipelines:\n  default:\n    - step:\n        name: Test\n        script:\n          - true\n";

#[tokio::test(flavor = "multi_thread")]
async fn b4_what_comes_back_is_built_again_and_what_has_no_build_is_named() {
    let mut house = House::with_application(PIPELINE).await;
    let first = house.build(1, |build| build.state == PASSED).await.commit;
    let push = async |update: RefUpdate| {
        house
            .simulator
            .cloud()
            .push("harbor/subject", &[update], "ivo")
            .await
            .expect("the push is taken")
    };
    push(
        RefUpdate::branch("main")
            .commit(&[("a", "1")], "Sand the deck")
            .commit(&[("a", "2")], "Paint the deck"),
    )
    .await;
    let second = house.build(2, |build| build.state == PASSED).await.commit;
    push(RefUpdate::branch("main").to(first.as_str())).await;
    push(RefUpdate::branch("main").to(second.as_str())).await;
    for (number, commit) in [(3, &first), (4, &second)] {
        let build = house.build(number, |build| build.state == PASSED).await;
        assert_eq!(&build.commit, commit, "#{number}");
    }
    let path = house.team.page("/applications/subject/builds/2");
    let text = house
        .team
        .person
        .goes_to(&path)
        .await
        .expect("the page")
        .text();
    assert!(
        text.contains("One commit before this one has no build of its own")
            && text.contains("Sand the deck"),
        "{text}"
    );
}
