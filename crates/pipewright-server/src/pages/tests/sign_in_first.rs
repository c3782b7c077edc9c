//! Signing in first: the same for what exists and what does not, and then on to the line that was asked for.

use http::StatusCode;

use crate::web::testing::TestSite;

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to_and_then_brought_to_the_line() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    site.team("harbor", &user).await;
    for line in [
        "/harbor/applications/checkout-api/builds/1?step=2&line=7#L7",
        "/nobody/applications/none/builds/1?step=2&line=7#L7",
    ] {
        let mut browser = site.anonymous();
        let asked = browser.get(line.split('#').next().unwrap_or(line)).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER);
        let page = browser.follow(&asked).await;
        // The script adds what only the browser knows: the part of the address behind the #.
        assert!(page.text.contains("data-with-fragment"), "{}", page.text);
        let fields = [
            ("email", "mara@example.com"),
            ("password", "correct horse battery"),
            ("next", line),
        ];
        let signed_in = browser.post("/sign-in", &fields).await;
        assert_eq!(signed_in.location(), line);
    }
    // What a script asks for is answered as to a script.
    let mut script = site.anonymous();
    script
        .headers
        .insert("x-fragment", "1".parse().expect("a header"));
    assert_eq!(
        script.get("/harbor/builds").await.status,
        StatusCode::UNAUTHORIZED
    );
    // A form that was sent after the session ended leads back to its page.
    let mut late = site.anonymous();
    let page = "https://ci.example/harbor/settings/members";
    late.headers
        .insert(http::header::REFERER, page.parse().expect("a header"));
    let sent = late.post("/harbor/settings/members/invite", &[]).await;
    assert!(
        sent.location().contains("%2Fharbor%2Fsettings%2Fmembers"),
        "{}",
        sent.location()
    );
}
