//! What is said of parts that do not work, and to whom.

use http::StatusCode;
use pipewright_core::Role;

use crate::live::Part;
use crate::web::testing::TestSite;

const WHY: &str = "the ships are late";

#[tokio::test]
async fn what_fails_is_named_to_administrators_only() {
    let site = TestSite::new().await;
    let admin = site.administrator("root@example.com").await;
    site.team("harbor", &admin).await;
    let member = site.user("ivo@example.com").await;
    site.join("harbor", &member, Role::Developer).await;
    let mut admin = site.signed_in(&admin).await;
    let mut member = site.signed_in(&member).await;
    let mut nobody = site.anonymous();
    let vitals = &site.app.live().vitals;
    vitals.begins(Part::Comparison);
    vitals.well(Part::Comparison);
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert!(!member.get("/profile").await.text.contains("Trouble with"));

    vitals.unwell(Part::Comparison, WHY);
    assert_eq!(nobody.get("/health/live").await.status, StatusCode::OK);
    let plain = nobody.get("/health").await;
    assert_eq!(plain.status, StatusCode::SERVICE_UNAVAILABLE);
    let ready = nobody.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    for text in [
        &plain.text,
        &ready.text,
        &member.get("/health/ready").await.text,
    ] {
        assert!(
            !text.contains(WHY) && !text.contains("comparison"),
            "{text}"
        );
    }
    let told = admin.get("/health/ready").await;
    assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.text.contains("comparison: failing") && told.text.contains(WHY));

    let page = member.get("/profile").await.text;
    assert!(
        page.contains("Trouble with comparing refs") && !page.contains(WHY),
        "{page}"
    );
    assert!(admin.get("/profile").await.text.contains(WHY));
    assert!(!nobody.get("/sign-in").await.text.contains("Trouble with"));

    vitals.well(Part::Comparison);
    assert_eq!(nobody.get("/health/ready").await.status, StatusCode::OK);
    vitals.stop();
    let stopping = nobody.get("/health/ready").await;
    assert_eq!(
        (stopping.status, stopping.text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    );
    assert_eq!(nobody.get("/health/live").await.status, StatusCode::OK);
}
