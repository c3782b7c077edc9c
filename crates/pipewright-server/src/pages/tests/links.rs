//! Links with a secret in them that work no more say so, each in a sentence of its own, and to whoever holds them: nobody is
//! asked to sign in first.

use http::StatusCode;

use super::installation::{PASSWORD, link};
use crate::web::testing::{Browser, TestSite};

/// Says that a link is gone in these words, signed in or not, and has no form any more.
async fn is_gone(browser: &mut Browser, path: &str, words: &str) {
    let answer = browser.get(path).await;
    assert_eq!(
        answer.status,
        StatusCode::NOT_FOUND,
        "{path}: {}",
        answer.location()
    );
    assert!(
        answer.text.contains("This link no longer works") && answer.text.contains(words),
        "{path}: {}",
        answer.text
    );
    assert!(!answer.text.contains("type=\"password\""), "{path}");
}

#[tokio::test]
async fn a_link_that_was_used_or_is_none_says_so_in_its_own_words() {
    let site = TestSite::new().await;
    let mara = site.administrator("mara@example.com").await;
    site.team("harbor", &mara).await;
    let mut admin = site.signed_in(&mara).await;
    let new = [("name", "Noor Haddad"), ("password", PASSWORD)];

    let invited = admin
        .post(
            "/harbor/settings/members/invite",
            &[("email", "noor@example.com"), ("role", "viewer")],
        )
        .await;
    let invitation = link(&invited, "invitations");
    let user = admin
        .post(
            "/installation/users/invite",
            &[("email", "ivo@example.com")],
        )
        .await;
    let user = link(&user, "links");
    let id = mara.id.to_string();
    let reset = admin
        .post("/installation/users/reset-password", &[("user", &id)])
        .await;
    let reset = link(&reset, "links");
    for (path, fields) in [
        (&invitation, &new[..]),
        (&user, &new),
        (&reset, &[("password", "five quite different words")]),
    ] {
        let used = site.anonymous().post(path, fields).await;
        assert_eq!(used.status, StatusCode::SEE_OTHER, "{path}: {}", used.text);
        // The second use is told the same as the second look.
        let again = site.anonymous().post(path, fields).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{path}");
        assert!(again.text.contains("no longer works"), "{}", again.text);
    }
    let (mut nobody, mut member) = (site.anonymous(), site.signed_in(&mara).await);
    for browser in [&mut nobody, &mut member] {
        for path in [&invitation, "/invitations/guessed"] {
            is_gone(browser, path, "This invitation was already used").await;
        }
        for path in [&user, &reset, "/links/guessed"] {
            is_gone(browser, path, "This one-time link was already used").await;
        }
        is_gone(browser, "/setup/guessed", "This set-up link was used").await;
    }
}
