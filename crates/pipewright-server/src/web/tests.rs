//! The site from outside, through the real router: who may see what, what refusals look like, what browsers are told.

use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use pipewright_core::Role;

use super::testing::TestSite;

#[tokio::test]
async fn a_fresh_installation_is_set_up_by_its_link_once() {
    let site = TestSite::new().await;
    let mut browser = site.anonymous();
    assert!(
        browser.get("/").await.text.contains("set-up link"),
        "says what to do"
    );
    let old = crate::setup::ensure_link(&site.app)
        .await
        .expect("makes a link")
        .expect("nobody is there yet");
    let link = crate::setup::ensure_link(&site.app)
        .await
        .expect("makes a link")
        .expect("nobody is there yet");
    let path = |link: &str| {
        link.strip_prefix("https://ci.example")
            .expect("our address")
            .to_owned()
    };
    assert_eq!(
        browser.get(&path(&old)).await.status,
        StatusCode::NOT_FOUND,
        "an older link stops working"
    );
    assert_eq!(
        browser.get("/setup/guessed").await.status,
        StatusCode::NOT_FOUND
    );
    let fields = [
        ("name", "Mara"),
        ("email", "Mara@Example.com"),
        ("password", "correct horse battery"),
        ("team", "Harbor"),
    ];
    let weak = browser
        .post(
            &path(&link),
            &[
                ("name", "Mara"),
                ("email", "m@example.com"),
                ("password", "short"),
            ],
        )
        .await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        weak.text.contains("at least 10 characters") && weak.text.contains("m@example.com"),
        "keeps what was entered"
    );
    let done = browser.post(&path(&link), &fields).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/harbor/settings/integrations"),
        "{}",
        done.text
    );
    let members = browser.get("/harbor/settings/members").await;
    assert!(
        members.text.contains("mara@example.com") && members.text.contains("Pipewright is set up"),
        "signed in, with word of it"
    );
    assert!(
        !browser
            .get("/harbor/settings/members")
            .await
            .text
            .contains("Pipewright is set up"),
        "said once"
    );
    assert_eq!(
        site.anonymous().post(&path(&link), &fields).await.status,
        StatusCode::NOT_FOUND,
        "works once"
    );
    assert_eq!(
        crate::setup::ensure_link(&site.app).await.expect("looks"),
        None
    );
}

#[tokio::test]
async fn an_account_is_not_there_for_strangers() {
    let site = TestSite::new().await;
    let mut owner = site.owner_of("harbor").await;
    let mut stranger = site.owner_of("other").await;
    let mut anonymous = site.anonymous();
    for path in ["/harbor/settings/members", "/harbor/settings/audit-log"] {
        assert_eq!(owner.get(path).await.status, StatusCode::OK, "{path}");
        let theirs = stranger.get(path).await;
        let nobodys = stranger.get(&path.replace("harbor", "nobody")).await;
        assert_eq!(
            (theirs.status, nobodys.status),
            (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
            "{path}"
        );
        assert!(!theirs.text.contains("harbor.example"), "tells nothing");
        let answer = anonymous.get(path).await;
        let nobodys = anonymous.get(&path.replace("harbor", "nobody")).await;
        assert_eq!(
            (answer.status, nobodys.status),
            (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER),
            "{path}: the same for what exists and what does not"
        );
        assert!(
            answer.location().starts_with("/sign-in?next=%2Fharbor"),
            "{}",
            answer.location()
        );
    }
    let answer = stranger
        .post(
            "/harbor/settings/members/invite",
            &[("email", "x@example.com"), ("role", "owner")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_wrong_password_locks_for_a_while_and_tells_nobody_who_is_there() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    site.team("harbor", &user).await;
    let sign_in = [
        ("email", "mara@example.com"),
        ("password", "correct horse battery"),
        ("next", "/harbor/settings/members"),
    ];
    let mut browser = site.anonymous();
    let wrong = browser
        .post(
            "/sign-in",
            &[("email", "mara@example.com"), ("password", "wrong")],
        )
        .await;
    let unknown = browser
        .post(
            "/sign-in",
            &[("email", "nora@example.com"), ("password", "wrong")],
        )
        .await;
    assert_eq!(
        (wrong.status, unknown.status),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::UNPROCESSABLE_ENTITY
        )
    );
    assert_eq!(
        wrong.text.replace("mara@", "nora@"),
        unknown.text,
        "the answers are alike"
    );
    for _ in 0..3 {
        browser
            .post(
                "/sign-in",
                &[("email", "MARA@example.com"), ("password", "wrong")],
            )
            .await;
    }
    let fifth = browser
        .post(
            "/sign-in",
            &[("email", "mara@example.com"), ("password", "wrong")],
        )
        .await;
    assert_eq!(fifth.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        fifth.text.contains("Try again in 1 minute."),
        "{}",
        fifth.text
    );
    assert_eq!(
        fifth
            .headers
            .get("retry-after")
            .map(http::HeaderValue::as_bytes),
        Some(b"60".as_slice())
    );
    let locked = browser.post("/sign-in", &sign_in).await;
    assert_eq!(
        locked.status,
        StatusCode::TOO_MANY_REQUESTS,
        "even with the right password"
    );
    site.clock.advance(Duration::from_secs(61));
    let done = browser.post("/sign-in", &sign_in).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/harbor/settings/members")
    );
    assert_eq!(browser.follow(&done).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_made_anew_ends_when_idle_and_can_be_ended_elsewhere() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    site.team("harbor", &user).await;
    let sign_in = [
        ("email", "mara@example.com"),
        ("password", "correct horse battery"),
    ];
    let mut laptop = site.anonymous();
    let answer = laptop.post("/sign-in", &sign_in).await;
    let cookie = answer
        .headers
        .get("set-cookie")
        .and_then(|cookie| cookie.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let first = laptop.cookie(super::SESSION_COOKIE).map(str::to_owned);
    laptop.post("/sign-in", &sign_in).await;
    assert_ne!(
        laptop.cookie(super::SESSION_COOKIE).map(str::to_owned),
        first,
        "a new token at each sign-in"
    );
    let mut phone = site.anonymous();
    phone.post("/sign-in", &sign_in).await;
    let profile = laptop.get("/profile").await;
    assert_eq!(
        profile.text.matches("name=\"key\"").count(),
        1,
        "lists the other one; the first was ended by signing in again"
    );
    laptop.post("/profile/sessions/end-others", &[]).await;
    assert_eq!(
        phone.get("/profile").await.location(),
        "/sign-in?next=%2Fprofile",
        "it is signed out"
    );
    for _ in 0..10 {
        site.clock.advance(Duration::from_hours(144));
        assert_eq!(
            laptop.get("/profile").await.status,
            StatusCode::OK,
            "used, so it goes on"
        );
    }
    site.clock.advance(Duration::from_hours(192));
    assert_eq!(
        laptop.get("/profile").await.status,
        StatusCode::SEE_OTHER,
        "not used for a week"
    );
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    let (mut laptop, mut phone) = (site.signed_in(&user).await, site.signed_in(&user).await);
    let change = |current: &'static str| {
        [
            ("current", current),
            ("new", "another long one"),
            ("again", "another long one"),
        ]
    };
    for _ in 0..4 {
        assert_eq!(
            laptop
                .post("/profile/password", &change("wrong"))
                .await
                .status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let guessed = laptop.post("/profile/password", &change("wrong")).await;
    assert_eq!(
        guessed.status,
        StatusCode::TOO_MANY_REQUESTS,
        "a stolen session does not help to guess the password"
    );
    assert!(
        guessed.headers.contains_key("retry-after")
            && guessed.text.contains("Too many failed attempts"),
        "{}",
        guessed.text
    );
    site.clock.advance(Duration::from_secs(61));
    assert_eq!(
        laptop
            .post("/profile/password", &change("correct horse battery"))
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(laptop.get("/profile").await.status, StatusCode::OK);
    assert_eq!(phone.get("/profile").await.status, StatusCode::SEE_OTHER);
    let mut fresh = site.anonymous();
    let answer = fresh
        .post(
            "/sign-in",
            &[
                ("email", "mara@example.com"),
                ("password", "another long one"),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_invited_person_joins_once_and_with_the_role_offered() {
    let site = TestSite::new().await;
    let mut owner = site.owner_of("harbor").await;
    let invited = owner
        .post(
            "/harbor/settings/members/invite",
            &[("email", "Ivo@example.com"), ("role", "viewer")],
        )
        .await;
    assert_eq!(invited.status, StatusCode::OK);
    let link = invited
        .text
        .split("https://ci.example")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("a link")
        .to_owned();
    assert!(
        !owner
            .get("/harbor/settings/members")
            .await
            .text
            .contains(&link),
        "shown only once"
    );
    let mut ivo = site.anonymous();
    assert!(ivo.get(&link).await.text.contains("Join harbor"));
    let joined = ivo
        .post(
            &link,
            &[("name", "Ivo"), ("password", "correct horse battery")],
        )
        .await;
    assert_eq!(joined.location(), "/harbor/applications", "{}", joined.text);
    let members = ivo.get("/harbor/settings/members").await;
    assert!(
        members.text.contains("ivo@example.com") && !members.text.contains("Make an invitation"),
        "a viewer does not invite"
    );
    assert_eq!(
        site.anonymous().get(&link).await.status,
        StatusCode::NOT_FOUND,
        "works once"
    );
    let refused = ivo
        .post(
            "/harbor/settings/members/invite",
            &[("email", "x@example.com"), ("role", "viewer")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text.contains("only owners and admins may"),
        "says who can: {}",
        refused.text
    );
    let log = owner.get("/harbor/settings/audit-log").await;
    assert!(
        log.text.contains("joined as viewer, invited by owner")
            && log.text.contains("invited ivo@example.com as viewer"),
        "history tells of both"
    );
    assert_eq!(
        ivo.get("/harbor/settings/audit-log").await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn only_owners_decide_about_owners_and_the_last_one_stays() {
    let site = TestSite::new().await;
    let (mara, ivo) = (
        site.user("mara@example.com").await,
        site.user("ivo@example.com").await,
    );
    site.team("harbor", &mara).await;
    site.join("harbor", &ivo, Role::Admin).await;
    let (mut owner, mut admin) = (site.signed_in(&mara).await, site.signed_in(&ivo).await);
    let (mara, ivo) = (mara.id.to_string(), ivo.id.to_string());
    let role = "/harbor/settings/members/role";
    let remove = "/harbor/settings/members/remove";
    assert_eq!(
        admin
            .post(role, &[("user", &ivo), ("role", "owner")])
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        admin.post(remove, &[("user", &mara)]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        owner
            .post(role, &[("user", &mara), ("role", "viewer")])
            .await
            .status,
        StatusCode::CONFLICT,
        "the last owner"
    );
    assert_eq!(
        owner.post(remove, &[("user", &mara)]).await.status,
        StatusCode::CONFLICT,
        "the last owner"
    );
    assert_eq!(
        owner
            .post(role, &[("user", &ivo), ("role", "owner")])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        owner.post(remove, &[("user", &mara)]).await.location(),
        "/",
        "leaves"
    );
    assert_eq!(
        owner.get("/harbor/settings/members").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn browsers_are_told_what_to_refuse_and_other_sites_forms_are_refused() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    let mut browser = site.signed_in(&user).await;
    let answer = browser.get("/profile").await;
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert!(header("content-security-policy").contains("default-src 'self'"));
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("cache-control"), "private, no-cache");
    assert_eq!(header("x-request-id").len(), 12);
    let foreign = |site: &str, origin: &str| {
        Request::post("/profile/name")
            .header("host", "ci.example")
            .header("sec-fetch-site", site)
            .header("origin", origin)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("name=Eve"))
            .expect("a request")
    };
    let refused = browser
        .send(foreign("cross-site", "https://evil.example"))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text.contains("sent from another site"),
        "{}",
        refused.text
    );
    assert_eq!(
        browser
            .send(foreign("same-origin", "https://ci.example"))
            .await
            .status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_problem_is_a_page_for_people_and_json_for_programs() {
    let site = TestSite::new().await;
    let mut member = site.owner_of("harbor").await;
    let page = member.get("/nothing/here").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("<h1>Not found</h1>"), "{}", page.text);
    let mut browser = site.anonymous();
    for browser in [&mut member, &mut browser] {
        browser
            .headers
            .insert(ACCEPT, "application/json".parse().expect("a header"));
    }
    let json = member.get("/nothing/here").await;
    assert_eq!(
        json.headers
            .get(CONTENT_TYPE)
            .map(http::HeaderValue::as_bytes),
        Some(b"application/problem+json".as_slice())
    );
    let body: serde_json::Value = serde_json::from_str(&json.text).expect("JSON");
    assert_eq!(
        (body["status"].as_u64(), body["title"].as_str()),
        (Some(404), Some("Not Found"))
    );
    for hidden in [
        "/profile",
        "/harbor/builds",
        "/nobody/builds",
        "/nothing/here",
    ] {
        assert_eq!(
            browser.get(hidden).await.status,
            StatusCode::UNAUTHORIZED,
            "{hidden}"
        );
    }
    assert_eq!(
        browser.post("/health", &[]).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let long = "x".repeat(1024 * 1024 + 1);
    assert_eq!(
        browser
            .post("/sign-in", &[("email", &long), ("password", "x")])
            .await
            .status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        browser.post("/sign-in", &[("email", "x")]).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn everything_works_under_a_sub_path() {
    let site = TestSite::at("http://ci.example/pipewright").await;
    let user = site.user("mara@example.com").await;
    site.team("harbor", &user).await;
    let mut browser = site.anonymous();
    let front = browser.get("/").await;
    assert_eq!(front.location(), "/pipewright/sign-in");
    let page = browser.follow(&front).await;
    let style = page
        .text
        .split("href=\"")
        .find(|part| part.contains("pipewright.css"))
        .and_then(|part| part.split('"').next());
    let style = style
        .expect("a style sheet")
        .strip_prefix("/pipewright")
        .expect("under the sub-path")
        .to_owned();
    let answer = browser.get(&style).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .headers
            .get("cache-control")
            .is_some_and(|value| value.as_bytes().ends_with(b"immutable"))
    );
    let done = browser
        .post(
            "/sign-in",
            &[
                ("email", "mara@example.com"),
                ("password", "correct horse battery"),
            ],
        )
        .await;
    let cookie = done
        .headers
        .get("set-cookie")
        .and_then(|cookie| cookie.to_str().ok())
        .unwrap_or_default();
    assert!(
        cookie.contains("Path=/pipewright/") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(done.location(), "/pipewright/");
    assert_eq!(
        browser.get("/").await.location(),
        "/pipewright/harbor/applications"
    );
    let outside = browser
        .send(
            Request::get("/harbor/settings/members")
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
    let bare = browser
        .send(Request::get("/").body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(bare.location(), "/pipewright/");
}

#[tokio::test]
async fn the_account_looked_at_last_is_the_current_one() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    site.team("alpha", &user).await;
    site.team("beta", &user).await;
    let mut browser = site.signed_in(&user).await;
    assert_eq!(browser.get("/").await.location(), "/alpha/applications");
    browser.get("/beta/settings/members").await;
    assert_eq!(browser.get("/").await.location(), "/beta/applications");
    assert!(
        browser
            .get("/profile")
            .await
            .text
            .contains("href=\"/beta/builds\""),
        "pages without an account show it too"
    );
}

#[tokio::test]
async fn the_theme_is_kept_and_leads_only_to_paths_of_ours() {
    let site = TestSite::new().await;
    let mut browser = site.anonymous();
    let answer = browser
        .post("/theme", &[("theme", "dark"), ("next", "//evil.example/")])
        .await;
    assert_eq!(answer.location(), "/");
    assert!(
        browser
            .get("/sign-in")
            .await
            .text
            .contains("data-theme=\"dark\"")
    );
    browser
        .post("/theme", &[("theme", "auto"), ("next", "/sign-in")])
        .await;
    assert!(!browser.get("/sign-in").await.text.contains("data-theme"));
}

#[tokio::test]
async fn a_page_that_answers_a_form_leads_back_to_the_forms_page() {
    let site = TestSite::new().await;
    let mut browser = site.owner_of("harbor").await;
    let form = [("email", "x@example.com"), ("role", "viewer")];
    for (referer, expected) in [
        (
            "https://ci.example/harbor/settings/members",
            "/harbor/settings/members",
        ),
        ("https://evil.example/harbor/settings/members", "/"),
        ("https://ci.example.evil.example/", "/"),
    ] {
        browser
            .headers
            .insert("referer", referer.parse().expect("a header"));
        let page = browser.post("/harbor/settings/members/invite", &form).await;
        let next = format!("name=\"next\" value=\"{expected}\"");
        assert!(page.text.contains(&next), "{referer}: {}", page.text);
    }
}

#[tokio::test]
async fn a_team_has_a_short_name_that_is_free_and_no_word_of_ours() {
    let site = TestSite::new().await;
    let mut browser = site.owner_of("harbor").await;
    for (slug, sentence) in [
        ("harbor", "is taken"),
        ("settings", "own addresses use"),
        ("a b", "letters a to z"),
    ] {
        let answer = browser
            .post("/accounts/new", &[("name", "Other"), ("slug", slug)])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{slug}");
        assert!(answer.text.contains(sentence), "{slug}: {}", answer.text);
    }
    let answer = browser.post("/accounts/new", &[("name", "Blue Bay")]).await;
    assert_eq!(answer.location(), "/blue-bay/settings/members");
}
