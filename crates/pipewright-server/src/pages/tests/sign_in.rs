//! Signing in, and whom an invitation or an address belongs to, from outside: guesses, sources, known browsers, delegated
//! rights.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use pipewright_core::{Role, Timestamp};
use pipewright_store::accounts::AccountKind;
use pipewright_store::{sign_ins, users};

use super::installation::{PASSWORD, history, link, plain_user, signs_in};
use super::scene::Scene;
use crate::accounts::{NewAccount, make};
use crate::web::testing::{Browser, TestSite};

#[tokio::test]
async fn of_many_guesses_at_once_five_are_looked_at_and_a_known_browser_is_not_locked_out() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let mut known = site.anonymous();
    assert_eq!(
        signs_in(&mut known, "mara@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER
    );
    known.post("/sign-out", &[]).await;
    let guesses = join_all((0..150).map(async |number| {
        let mut stranger = site.anonymous();
        signs_in(
            &mut stranger,
            "mara@example.com",
            &format!("guess {number}"),
        )
        .await
    }))
    .await;
    let looked_at = guesses
        .iter()
        .filter(|status| **status != StatusCode::TOO_MANY_REQUESTS)
        .count();
    assert_eq!(looked_at, 4, "and the fifth, which locks: {guesses:?}");
    let count = sign_ins::count(&site.app.db, "pair mara@example.com unknown")
        .await
        .expect("reads")
        .expect("is counted");
    assert_eq!(count.failures, 5, "none beyond was let pass");
    let mut stranger = site.anonymous();
    assert_eq!(
        signs_in(&mut stranger, "mara@example.com", PASSWORD).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        signs_in(&mut known, "mara@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER,
        "a browser that its user signed in with before"
    );
    let mut admin = site.signed_in(&mara).await;
    let log = admin
        .get("/installation/audit-log?what=user.sign_in_refused")
        .await
        .text;
    assert!(
        log.contains("too many attempts, locked for 1 minute")
            && log.contains("wrong address or password")
            && log.contains("100 attempts"),
        "{log}"
    );
    let users = admin.get("/installation").await.text;
    let locked = users
        .split_once("Locked out</span> until ")
        .expect("it is said")
        .1;
    assert!(
        locked.starts_with("<time datetime=\"2027-01-15T08:01:00")
            && locked.contains("data-exact>2027-01-15 08:01:00 UTC</time>: 5 wrong passwords"),
        "a moment that the script tells in the reader's own time: {locked}"
    );
    site.clock.advance(Duration::from_secs(61));
    assert_eq!(
        signs_in(&mut stranger, "mara@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_source_that_guesses_at_many_addresses_is_locked_alone() {
    let site = TestSite::configured("https://ci.example", |config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a range")];
    })
    .await;
    site.user("mara@example.com").await;
    let from = async |peer: &str, forwarded: Option<&str>, email: &str, password: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("email", email), ("password", password)])
            .finish();
        let mut request = Request::post("/sign-in")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        let peer: SocketAddr = format!("{peer}:4000").parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(forwarded) = forwarded {
            let value = forwarded.parse().expect("a header");
            request.headers_mut().insert("x-forwarded-for", value);
        }
        site.anonymous().send(request).await.status
    };
    let mut statuses = Vec::new();
    for number in 0..40 {
        let email = format!("user{number}@example.com");
        // Whatever a stranger claims to be: only what a trusted proxy says is believed.
        let claim = format!("198.51.100.{number}");
        statuses.push(from("203.0.113.9", Some(&claim), &email, "guess").await);
    }
    let refused = statuses
        .iter()
        .filter(|status| **status == StatusCode::TOO_MANY_REQUESTS)
        .count();
    assert_eq!(refused, 11, "thirty are let pass: {statuses:?}");
    assert_eq!(
        from("203.0.113.9", None, "mara@example.com", PASSWORD).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        from("203.0.113.10", None, "mara@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER,
        "another source is not"
    );
    let proxied = Some("203.0.113.9, 192.0.2.77, 10.9.9.9");
    assert_eq!(
        from("10.1.1.1", proxied, "mara@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER
    );
    let newest = history(&site).await.remove(0);
    assert_eq!(
        (newest.action.as_str(), newest.address.as_deref()),
        ("user.signed_in", Some("192.0.2.77")),
        "the last address that is no trusted proxy"
    );
    assert!(
        history(&site).await.iter().all(|event| !event
            .address
            .as_deref()
            .unwrap_or("")
            .starts_with("198.51")),
        "an invented address stands nowhere"
    );
}

#[tokio::test]
async fn an_invitation_is_worth_what_its_maker_may_give_now() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    site.team("harbor", &mara).await;
    let eve = site.user("eve@example.com").await;
    site.join("harbor", &eve, Role::Admin).await;
    let (mut owner, mut admin) = (site.signed_in(&mara).await, site.signed_in(&eve).await);
    let invite = async |browser: &mut Browser, email: &str| {
        let invited = browser
            .post(
                "/harbor/settings/members/invite",
                &[("email", email), ("role", "admin")],
            )
            .await;
        link(&invited, "invitations")
    };
    let lesser = invite(&mut admin, "second@example.com").await;
    let id = eve.id.to_string();
    owner
        .post(
            "/harbor/settings/members/role",
            &[("user", &id), ("role", "viewer")],
        )
        .await;
    assert_eq!(
        site.anonymous().get(&lesser).await.status,
        StatusCode::NOT_FOUND,
        "a viewer gives nothing"
    );
    owner
        .post(
            "/harbor/settings/members/role",
            &[("user", &id), ("role", "admin")],
        )
        .await;
    let own = invite(&mut admin, "eve@example.org").await;
    owner
        .post("/harbor/settings/members/remove", &[("user", &id)])
        .await;
    let fields = [("name", "Eve"), ("password", "another good one")];
    for path in [&own, &lesser] {
        assert_eq!(
            site.anonymous().post(path, &fields).await.status,
            StatusCode::NOT_FOUND,
            "withdrawn with its maker"
        );
    }
}

#[tokio::test]
async fn an_address_is_whose_an_administrator_says() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    site.team("harbor", &mara).await;
    let eve = plain_user(&site, "eve@example.com").await;
    site.team("eve", &eve).await;
    let (mut admin, mut other) = (site.signed_in(&mara).await, site.signed_in(&eve).await);
    let invite = [("email", "victim@example.com"), ("role", "viewer")];
    let taken = other.post("/eve/settings/members/invite", &invite).await;
    let mut impostor = site.anonymous();
    let joined = impostor
        .post(
            &link(&taken, "invitations"),
            &[("name", "Victim"), ("password", "another good one")],
        )
        .await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER);
    let members = other.get("/eve/settings/members").await.text;
    assert!(members.contains("address not confirmed"), "{members}");

    let invited = admin.post("/harbor/settings/members/invite", &invite).await;
    let path = link(&invited, "invitations");
    let mut victim = site.anonymous();
    let shown = victim.get(&path).await.text;
    assert!(shown.contains("the other loses the address"), "{shown}");
    let joined = victim
        .post(
            &path,
            &[("name", "Really"), ("password", "a third good one")],
        )
        .await;
    assert_eq!(joined.location(), "/harbor/applications", "{}", joined.text);
    assert_eq!(
        impostor.get("/profile").await.status,
        StatusCode::SEE_OTHER,
        "signed out"
    );
    let mut fresh = site.anonymous();
    assert_eq!(
        signs_in(&mut fresh, "victim@example.com", "another good one").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let user = users::by_email(&site.app.db, "victim@example.com")
        .await
        .expect("reads")
        .expect("is there");
    assert!(user.name == "Really" && user.email_proved_at.is_some());
    assert!(
        history(&site)
            .await
            .iter()
            .any(|event| event.action == "user.address_released")
    );
}

#[tokio::test]
async fn however_much_it_is_used_a_session_ends() {
    let site = TestSite::new().await;
    let user = site.user("mara@example.com").await;
    let mut browser = site.signed_in(&user).await;
    for _ in 0..15 {
        site.clock.advance(Duration::from_hours(24 * 6 - 1));
        assert_eq!(browser.get("/profile").await.status, StatusCode::OK);
    }
    assert!(site.app.clock.now() > Timestamp::from_seconds(1_800_000_000));
    site.clock.advance(Duration::from_hours(24));
    assert_eq!(
        browser.get("/profile").await.status,
        StatusCode::SEE_OTHER,
        "after 90 days"
    );
}

#[tokio::test]
async fn signing_in_leads_to_where_the_work_is() {
    let scene = Scene::new().await;
    let site = &scene.site;
    let noor = site.user("noor@example.com").await;
    let own = NewAccount {
        slug: "a-noor",
        name: "Noor",
        kind: AccountKind::Personal,
        owner: noor.id,
        now: scene.now(),
    };
    let mut tx = site.app.db.begin().await.expect("begins");
    make(&mut tx, &own).await.expect("makes");
    tx.commit().await.expect("commits");
    site.team("beta", &noor).await;
    let lands_on = async |what: &str, expected: &str| {
        let mut browser = site.anonymous();
        assert_eq!(
            signs_in(&mut browser, "noor@example.com", PASSWORD).await,
            StatusCode::SEE_OTHER
        );
        let front = browser.get("/").await;
        assert_eq!(front.location(), expected, "{what}");
        site.clock.advance(Duration::from_mins(1));
        browser
    };
    let own = "/a-noor/applications";
    lands_on("nothing has an application", own).await;
    site.join("harbor", &noor, Role::Developer).await;
    let mut browser = lands_on("harbor has one", "/harbor/applications").await;
    browser.get(own).await;
    browser.post("/sign-out", &[]).await;
    let mut browser = lands_on("their own is empty", "/harbor/applications").await;
    browser.get("/beta/applications").await;
    browser.post("/sign-out", &[]).await;
    lands_on("beta was used last", "/beta/applications").await;
}
