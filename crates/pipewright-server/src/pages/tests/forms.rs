//! Whatever is wrong with a form is said at once: nobody mends one field to be told of the next.

use http::StatusCode;

use super::installation::{PASSWORD, link};
use super::scene::{APPLICATION, Scene};
use crate::web::testing::{Browser, TestSite};

/// Sends a form in which several fields are wrong, and is told of each.
async fn refuses(browser: &mut Browser, path: &str, fields: &[(&str, &str)], words: &[&str]) {
    let answer = browser.post(path, fields).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{path}: {}",
        answer.text
    );
    for expected in words {
        assert!(
            answer.text.contains(expected),
            "{path} does not say “{expected}”: {}",
            answer.text
        );
    }
}

const NAME: &str = "Enter a name of 1 to 100 characters.";
const SHORT: &str = "at least 10 characters; a few words";
const SLUG: &str = "short name has 1 to 40 letters";

#[tokio::test]
async fn those_of_users_and_accounts() {
    let site = TestSite::new().await;
    let setup = crate::setup::ensure_link(&site.app)
        .await
        .expect("makes a link")
        .expect("nobody is there yet");
    let setup = setup.strip_prefix("https://ci.example").expect("ours");
    let wrong = [("name", " "), ("email", "nobody"), ("password", "short")];
    let told = [NAME, "e-mail address", SHORT];
    refuses(&mut site.anonymous(), setup, &wrong, &told).await;

    let mara = site.administrator("mara@example.com").await;
    site.team("harbor", &mara).await;
    let mut admin = site.signed_in(&mara).await;
    let invited = admin
        .post(
            "/harbor/settings/members/invite",
            &[("email", "noor@example.com"), ("role", "viewer")],
        )
        .await;
    let user = admin
        .post(
            "/installation/users/invite",
            &[("email", "ivo@example.com")],
        )
        .await;
    for path in [link(&invited, "invitations"), link(&user, "links")] {
        let wrong = [("name", " "), ("password", "short")];
        refuses(&mut site.anonymous(), &path, &wrong, &[NAME, SHORT]).await;
    }
    let names = [("name", " "), ("slug", "a b")];
    refuses(&mut admin, "/accounts/new", &names, &[NAME, SLUG]).await;
    let rename = "/harbor/settings/account/rename";
    refuses(&mut admin, rename, &names, &[NAME, SLUG]).await;
    refuses(
        &mut admin,
        "/installation/accounts",
        &[("name", " "), ("owner", "nobody@example.com")],
        &[NAME, "nobody@example.com is not the address of a user"],
    )
    .await;

    // A wrong password is counted, a right one beside wrong new ones is not.
    let profile = "/profile/password";
    let wrong = [("current", "wrong"), ("new", "short"), ("again", "other")];
    let told = ["The current password is not right", "do not match", SHORT];
    refuses(&mut admin, profile, &wrong, &told).await;
    let right = [("current", PASSWORD), ("new", "short"), ("again", "short")];
    for _ in 0..9 {
        refuses(&mut admin, profile, &right, &[SHORT]).await;
    }
}

#[tokio::test]
async fn those_of_applications() {
    let mut scene = Scene::new().await;
    let variables = format!("{APPLICATION}/variables");
    let environment = "x".repeat(101);
    refuses(
        &mut scene.owner,
        &variables,
        &[
            ("name", "1A"),
            ("environment", &environment),
            ("value", "a\0b"),
        ],
        &[
            "does not begin with a digit",
            "An environment&#39;s name",
            "zero byte",
        ],
    )
    .await;
    refuses(
        &mut scene.owner,
        &format!("{APPLICATION}/run"),
        &[("ref", "a..b"), ("others", "FINE=1\nno\n1X=2")],
        &["a..b", "Line 2", "Line 3"],
    )
    .await;
    refuses(
        &mut scene.owner,
        &format!("{APPLICATION}/schedules/new"),
        &[
            ("act", "save"),
            ("ref", "a..b"),
            ("others", "no"),
            ("cron", "x"),
            ("zone", "UTC"),
        ],
        &["a..b", "Line 1", "field-error"],
    )
    .await;
    refuses(
        &mut scene.owner,
        &format!("{APPLICATION}/rules"),
        &[("act", "save"), ("branches", "{a\nmain\n{b")],
        &["{a", "{b"],
    )
    .await;
    refuses(
        &mut scene.owner,
        "/harbor/settings/storage",
        &[
            ("builds_days", "ten"),
            ("logs_days", "0"),
            ("bodies_days", "7"),
        ],
        &[
            "“Builds, days” and “Logs, days” must be whole numbers",
            "value=\"ten\"",
            "value=\"7\"",
        ],
    )
    .await;
    refuses(
        &mut scene.owner,
        "/harbor/settings/integrations/bitbucket-server",
        &[("host", ""), ("ssh_port", "many"), ("password", "")],
        &[
            "id=\"host-error\"",
            "id=\"port-error\"",
            "id=\"password-error\"",
        ],
    )
    .await;
    let days = "/harbor/settings/audit-log?since=today&until=tomorrow";
    let log = scene.owner.get(days).await.text;
    assert!(
        log.contains("today&#34; is not a day") && log.contains("tomorrow&#34; is not a day"),
        "{log}"
    );
}
