//! The jump box, and addresses that lead on.

use http::StatusCode;

use super::scene::Scene;

#[tokio::test]
async fn a_name_or_a_number_leads_to_applications_and_builds_of_the_own_account() {
    let mut scene = Scene::new().await;
    scene.push("main", '7', "Close the capture").await;
    for (query, expected) in [
        ("checkout", "/harbor/applications/checkout-api\""),
        ("1", "/harbor/applications/checkout-api/builds/1\""),
        ("%231", "#1 of checkout-api"),
        ("nothing-like-it", "Nothing is called"),
    ] {
        let page = scene.owner.get(&format!("/harbor/jump?q={query}")).await;
        assert!(page.text.contains(expected), "{query}: {}", page.text);
    }
    let mut stranger = scene.site.owner_of("other").await;
    assert_eq!(
        stranger.get("/harbor/jump?q=1").await.status,
        StatusCode::NOT_FOUND
    );
    assert!(
        !stranger
            .get("/other/jump?q=checkout")
            .await
            .text
            .contains("checkout-api")
    );
}

#[tokio::test]
async fn an_account_s_own_address_leads_on_and_what_browsers_ask_for_unasked_is_there() {
    let mut scene = Scene::new().await;
    let page = scene.owner.get("/harbor").await;
    assert_eq!(page.location(), "/harbor/applications");
    for path in ["/favicon.ico", "/robots.txt"] {
        assert_eq!(
            scene.site.anonymous().get(path).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_tab_says_where_a_build_stands() {
    let mut scene = Scene::new().await;
    scene.passed("main", '7', "Change", b"x\n").await;
    let page = scene
        .owner
        .get("/harbor/applications/checkout-api/builds/1")
        .await;
    assert!(
        page.text
            .contains("<title>Passed · #1 checkout-api · Pipewright</title>")
            && page.text.contains("icon-ok.svg"),
        "{}",
        page.text
    );
}
