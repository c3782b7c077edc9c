//! **Installation** from outside: who may, what each act ends, and what stands in the history afterwards.

use std::time::Duration;

use http::StatusCode;
use pipewright_core::Role;
use pipewright_store::events::{self, EventFilter};
use pipewright_store::users::{self, User};
use pipewright_store::{accounts, administration};

use crate::web::testing::{Answer, Browser, TestSite};

pub(super) const PASSWORD: &str = "correct horse battery";

/// A user to whom no administrator gave anything.
pub(super) async fn plain_user(site: &TestSite, email: &str) -> User {
    let user = site.user(email).await;
    let mut tx = site.app.db.begin().await.expect("begins");
    administration::set_rights(&mut tx, user.id, false, false)
        .await
        .expect("sets");
    tx.commit().await.expect("commits");
    user
}

/// The path of the link that an answer shows.
pub(super) fn link(answer: &Answer, kind: &str) -> String {
    let rest = answer
        .text
        .split(&format!("https://ci.example/{kind}/"))
        .nth(1)
        .unwrap_or_else(|| panic!("no link: {}", answer.text));
    format!("/{kind}/{}", rest.split('<').next().unwrap_or_default())
}

pub(super) async fn signs_in(browser: &mut Browser, email: &str, password: &str) -> StatusCode {
    browser
        .post("/sign-in", &[("email", email), ("password", password)])
        .await
        .status
}

/// What the installation's history says, newest first.
pub(super) async fn history(site: &TestSite) -> Vec<events::Event> {
    events::list(&site.app.db, &EventFilter::default(), 200)
        .await
        .expect("reads")
}

#[tokio::test]
async fn only_administrators_see_it_and_do_anything_there() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let ivo = plain_user(&site, "ivo@example.com").await;
    site.team("harbor", &ivo).await;
    let (mut admin, mut user, mut nobody) = (
        site.signed_in(&mara).await,
        site.signed_in(&ivo).await,
        site.anonymous(),
    );
    for path in [
        "/installation",
        "/installation/audit-log",
        "/installation/audit-log.jsonl",
        "/installation/accounts/harbor",
    ] {
        assert_eq!(admin.get(path).await.status, StatusCode::OK, "{path}");
        assert_eq!(user.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert!(
            nobody.get(path).await.location().starts_with("/sign-in"),
            "{path}"
        );
    }
    let id = mara.id.to_string();
    for (path, form) in [
        ("users/invite", vec![("email", "x@example.com")]),
        ("users/disable", vec![("user", id.as_str())]),
        ("users/enable", vec![("user", &id)]),
        ("users/end-sessions", vec![("user", &id)]),
        ("users/reset-password", vec![("user", &id)]),
        ("users/make-administrator", vec![("user", &id)]),
        ("users/remove-administrator", vec![("user", &id)]),
        ("users/rights", vec![("user", &id)]),
        ("users/confirm-address", vec![("user", &id)]),
        ("invitations/withdraw", vec![("id", &id)]),
        (
            "rules",
            vec![("accounts", "everybody"), ("connections", "everybody")],
        ),
        ("addresses/allow", vec![("address", "public")]),
        ("addresses/remove", vec![("address", "public")]),
        (
            "accounts",
            vec![("name", "x"), ("owner", "ivo@example.com")],
        ),
        ("accounts/harbor/rename", vec![("name", "x"), ("slug", "x")]),
        ("accounts/harbor/give", vec![("email", "ivo@example.com")]),
        ("accounts/harbor/delete", vec![("confirm", "harbor")]),
    ] {
        let path = format!("/installation/{path}");
        assert_eq!(
            user.post(&path, &form).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_disabled_ends_at_once_and_the_last_administrator_stays() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let ivo = site.user("ivo@example.com").await;
    site.team("harbor", &ivo).await;
    let mut admin = site.signed_in(&mara).await;
    let (mut laptop, mut phone) = (site.signed_in(&ivo).await, site.signed_in(&ivo).await);
    let invited = laptop
        .post(
            "/harbor/settings/members/invite",
            &[("email", "x@example.com"), ("role", "viewer")],
        )
        .await;
    let invitation = link(&invited, "invitations");
    assert_eq!(
        site.anonymous().get(&invitation).await.status,
        StatusCode::OK
    );
    let id = ivo.id.to_string();
    let done = admin
        .post("/installation/users/disable", &[("user", &id)])
        .await;
    assert_eq!(done.location(), "/installation");
    let shown = admin.follow(&done).await.text;
    assert!(
        shown.contains("2 sessions and 1 invitation ended at once"),
        "{shown}"
    );
    for browser in [&mut laptop, &mut phone] {
        assert_eq!(
            browser.get("/profile").await.status,
            StatusCode::SEE_OTHER,
            "signed out"
        );
    }
    assert_eq!(
        site.anonymous().get(&invitation).await.status,
        StatusCode::NOT_FOUND,
        "withdrawn"
    );
    let mut fresh = site.anonymous();
    assert_eq!(
        signs_in(&mut fresh, "ivo@example.com", PASSWORD).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    admin
        .post("/installation/users/enable", &[("user", &id)])
        .await;
    assert_eq!(
        signs_in(&mut fresh, "ivo@example.com", PASSWORD).await,
        StatusCode::SEE_OTHER
    );
    let own = mara.id.to_string();
    for act in ["disable", "remove-administrator"] {
        let refused = admin
            .post(&format!("/installation/users/{act}"), &[("user", &own)])
            .await;
        let shown = admin.follow(&refused).await.text;
        assert!(
            shown.contains("is the last administrator"),
            "{act}: {shown}"
        );
    }
    admin
        .post("/installation/users/make-administrator", &[("user", &id)])
        .await;
    admin
        .post(
            "/installation/users/remove-administrator",
            &[("user", &own)],
        )
        .await;
    assert_eq!(
        admin.get("/installation").await.status,
        StatusCode::FORBIDDEN,
        "it counts at once"
    );
    let said: Vec<String> = history(&site)
        .await
        .into_iter()
        .map(|event| event.action)
        .collect();
    for action in [
        "user.disabled",
        "user.enabled",
        "user.made_administrator",
        "user.no_longer_administrator",
        "user.sign_in_refused",
    ] {
        assert!(said.iter().any(|one| one == action), "{action}: {said:?}");
    }
}

#[tokio::test]
async fn accounts_and_connections_are_rights_that_an_administrator_gives() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let ivo = plain_user(&site, "ivo@example.com").await;
    site.team("ivo", &ivo).await;
    let (mut admin, mut user) = (site.signed_in(&mara).await, site.signed_in(&ivo).await);
    let tries = async |user: &mut Browser| {
        let account = user.post("/accounts/new", &[("name", "")]).await.status;
        let server = user
            .post(
                "/ivo/settings/integrations/bitbucket-server",
                &[("host", "")],
            )
            .await
            .status;
        let cloud = user
            .post("/ivo/settings/integrations/bitbucket/connect", &[])
            .await
            .status;
        (account, server, cloud)
    };
    let refused = StatusCode::FORBIDDEN;
    assert_eq!(tries(&mut user).await, (refused, refused, refused));
    let shown = user.get("/ivo/settings/integrations").await.text;
    assert!(
        !shown.contains("New team…") && shown.contains("Ask an administrator"),
        "{shown}"
    );
    let id = ivo.id.to_string();
    admin
        .post(
            "/installation/users/rights",
            &[("user", &id), ("may_connect", "on")],
        )
        .await;
    let entered = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(
        tries(&mut user).await,
        (refused, entered, StatusCode::SEE_OTHER)
    );
    admin
        .post("/installation/users/rights", &[("user", &id)])
        .await;
    assert_eq!(tries(&mut user).await, (refused, refused, refused));
    admin
        .post(
            "/installation/rules",
            &[("accounts", "everybody"), ("connections", "everybody")],
        )
        .await;
    assert_eq!(
        tries(&mut user).await,
        (entered, entered, StatusCode::SEE_OTHER)
    );
    let developer = plain_user(&site, "dev@example.com").await;
    site.join("ivo", &developer, Role::Developer).await;
    let mut developer = site.signed_in(&developer).await;
    assert_eq!(
        developer
            .post("/ivo/settings/integrations/bitbucket-server", &[])
            .await
            .status,
        refused,
        "the rule does not replace the role"
    );
}

#[tokio::test]
async fn a_link_makes_a_user_or_a_new_password_once() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let mut admin = site.signed_in(&mara).await;
    let invited = admin
        .post(
            "/installation/users/invite",
            &[("email", "Noor@Example.com"), ("may_make_accounts", "on")],
        )
        .await;
    let path = link(&invited, "links");
    assert!(
        !admin.get("/installation").await.text.contains(&path),
        "shown only once"
    );
    let mut noor = site.anonymous();
    for (password, status) in [
        ("password12", StatusCode::UNPROCESSABLE_ENTITY),
        ("another good one", StatusCode::SEE_OTHER),
        ("another good one", StatusCode::NOT_FOUND),
    ] {
        let fields = [("name", "Noor Haddad"), ("password", password)];
        assert_eq!(noor.post(&path, &fields).await.status, status, "{password}");
    }
    assert_eq!(noor.get("/accounts/new").await.status, StatusCode::OK);
    let user = users::by_email(&site.app.db, "noor@example.com")
        .await
        .expect("reads")
        .expect("is made");
    assert!(user.email_proved_at.is_some() && user.may_make_accounts && !user.may_connect);

    let id = user.id.to_string();
    let reset = admin
        .post("/installation/users/reset-password", &[("user", &id)])
        .await;
    let path = link(&reset, "links");
    let mut fresh = site.anonymous();
    let done = fresh.post(&path, &[("password", "a third good one")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(fresh.get("/profile").await.status, StatusCode::OK);
    assert_eq!(
        noor.get("/profile").await.status,
        StatusCode::SEE_OTHER,
        "signed out everywhere else"
    );
    assert_eq!(
        fresh
            .post(&path, &[("password", "a third good one")])
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let reset = admin
        .post("/installation/users/reset-password", &[("user", &id)])
        .await;
    let path = link(&reset, "links");
    site.clock.advance(Duration::from_hours(25));
    assert_eq!(
        fresh.get(&path).await.status,
        StatusCode::NOT_FOUND,
        "expired"
    );
}

#[tokio::test]
async fn the_history_outlives_accounts_and_names_and_is_exported() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let ivo = plain_user(&site, "ivo@example.com").await;
    site.team("harbor", &ivo).await;
    let (mut admin, mut owner) = (site.signed_in(&mara).await, site.signed_in(&ivo).await);
    owner.post("/profile/name", &[("name", "Root Admin")]).await;
    let renamed = owner
        .post(
            "/harbor/settings/account/rename",
            &[("name", "Ölfabrik"), ("slug", "oel")],
        )
        .await;
    assert_eq!(renamed.location(), "/oel/settings/account");
    let log = owner.get("/oel/settings/audit-log").await.text;
    assert!(
        log.contains("renamed the account harbor to Ölfabrik with the short name oel")
            && log.contains("ivo@example.com"),
        "{log}"
    );
    let refused = owner
        .post("/oel/settings/account/delete", &[("confirm", "harbor")])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let deleted = admin
        .post("/installation/accounts/oel/delete", &[("confirm", "oel")])
        .await;
    assert_eq!(deleted.location(), "/installation#accounts");
    assert!(
        accounts::by_slug(&site.app.db, "oel")
            .await
            .expect("reads")
            .is_none()
    );
    assert_eq!(
        owner.get("/oel/settings/account").await.status,
        StatusCode::NOT_FOUND
    );
    let exported = admin.get("/installation/audit-log.jsonl?who=oel").await;
    let lines: Vec<serde_json::Value> = exported
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert!(
        lines.iter().any(|line| line["action"] == "account.renamed"
            && line["account"] == "oel"
            && line["user_email"] == "ivo@example.com"
            && line["user_name"] == "Root Admin"
            && line["user_id"] == ivo.id.to_string()),
        "{}",
        exported.text
    );
    let empty = admin
        .get("/installation/audit-log?since=2001-01-01&until=2001-01-02")
        .await
        .text;
    assert!(empty.contains("Nothing fits"), "{empty}");
    let wrong = admin.get("/installation/audit-log?since=soon").await.text;
    assert!(wrong.contains("is not a day"), "{wrong}");
}

#[tokio::test]
async fn an_account_without_an_owner_is_given_to_one() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    let ivo = plain_user(&site, "ivo@example.com").await;
    site.team("harbor", &ivo).await;
    let mut admin = site.signed_in(&mara).await;
    let id = ivo.id.to_string();
    admin
        .post("/installation/users/disable", &[("user", &id)])
        .await;
    assert!(
        admin
            .get("/installation")
            .await
            .text
            .contains("No owner left")
    );
    admin
        .post(
            "/installation/accounts/harbor/give",
            &[("email", "mara@example.com")],
        )
        .await;
    assert_eq!(
        admin.get("/harbor/settings/members").await.status,
        StatusCode::OK
    );
    let made = admin
        .post(
            "/installation/accounts",
            &[("name", "Blue Bay"), ("owner", "mara@example.com")],
        )
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    assert_eq!(
        admin.get("/blue-bay/settings/members").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn outgoing_addresses_are_judged_before_anything_is_sent() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    site.team("harbor", &mara).await;
    let mut admin = site.signed_in(&mara).await;
    let add = async |admin: &mut Browser, host: &str| {
        admin
            .post(
                "/harbor/settings/integrations/bitbucket-server",
                &[
                    ("host", host),
                    ("username", "x"),
                    ("password", "y"),
                    ("ssh_port", "22"),
                ],
            )
            .await
            .text
    };
    for host in [
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://2852039166",
    ] {
        let refused = add(&mut admin, host).await;
        assert!(
            refused.contains("to which Pipewright never connects"),
            "{host}: {refused}"
        );
    }
    let nothing = add(&mut admin, "http://127.0.0.1:1").await;
    assert!(nothing.contains("Nothing listens"), "{nothing}");
    admin
        .post("/installation/addresses/remove", &[("address", "loopback")])
        .await;
    for host in ["http://127.0.0.1:1", "http://localhost:1"] {
        let refused = add(&mut admin, host).await;
        assert!(
            refused.contains("not among the allowed outgoing addresses"),
            "{host}: {refused}"
        );
    }
    let wrong = admin
        .post("/installation/addresses/allow", &[("address", "a b")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    admin
        .post(
            "/installation/addresses/allow",
            &[("address", "127.0.0.1:1")],
        )
        .await;
    let nothing = add(&mut admin, "http://127.0.0.1:1").await;
    assert!(nothing.contains("Nothing listens"), "{nothing}");
}
