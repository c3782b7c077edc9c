//! Every page of the frame, of accounts, members and users, rendered with ordinary and with hostile contexts.

use std::time::Duration;

use askama::Template;
use pipewright_core::{Role, Timestamp};

use crate::live::{Part, Trouble};
use crate::pages::accounts::{NewTeamPage, WelcomePage};
use crate::pages::events::{AuditLogPage, Choice, LogQuery, ShownEvent};
use crate::pages::members::{
    InvitedLink, JoinPage, JoinState, MembersPage, ShownInvitation, ShownMember,
};
use crate::pages::sessions::SignInPage;
use crate::pages::setup::SetupPage;
use crate::pages::storage::{KeptFor, StoragePage};
use crate::pages::users::{ProfilePage, ShownSession};
use crate::web::check_html::{HOSTILE, check_html};
use crate::web::layers::problems::ProblemPage;
use crate::web::spark;
use crate::web::{Flash, Nav, Page, PageAccount, PageUser, Rail, Theme};

/// A moment for samples.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The frames a page is rendered in: an owner of two accounts, a viewer, somebody without account, nobody.
pub(crate) fn pages() -> Vec<Page> {
    let account = |role| PageAccount {
        slug: "harbor".to_owned(),
        name: HOSTILE.to_owned(),
        role,
    };
    let full = Page {
        icon: "icon.svg",
        title: HOSTILE.to_owned(),
        nav: Nav::Builds,
        rail: Rail::None,
        alarms: vec![HOSTILE.to_owned()],
        base: "/pipewright".to_owned(),
        user: Some(PageUser {
            name: HOSTILE.to_owned(),
            email: HOSTILE.to_owned(),
            is_administrator: true,
            may_make_accounts: true,
        }),
        account: Some(account(Role::Owner)),
        accounts: vec![
            account(Role::Owner),
            PageAccount {
                slug: "mara".to_owned(),
                name: "Mara".to_owned(),
                role: Role::Owner,
            },
        ],
        theme: Theme::Dark,
        flash: Some(Flash {
            good: true,
            text: HOSTILE.to_owned(),
        }),
        now: NOW,
        path: format!("/harbor/builds?branch={HOSTILE}"),
        troubles: vec![Trouble {
            part: Part::Runner,
            why: HOSTILE.to_owned(),
            lasts: Duration::ZERO,
        }],
    };
    let viewer = Page {
        account: Some(account(Role::Viewer)),
        rail: Rail::Members,
        theme: Theme::Auto,
        ..full.clone()
    };
    let alone = Page {
        account: None,
        accounts: Vec::new(),
        rail: Rail::Profile,
        flash: None,
        ..full.clone()
    };
    let nobody = Page {
        user: None,
        account: None,
        accounts: Vec::new(),
        base: String::new(),
        ..full.clone()
    };
    vec![full, viewer, alone, nobody]
}

/// Renders and checks one page.
pub(crate) fn check(name: &str, page: &impl Template) {
    check_html(
        name,
        &page
            .render()
            .unwrap_or_else(|error| panic!("{name}: {error}")),
    );
}

fn text() -> String {
    HOSTILE.to_owned()
}

#[test]
fn every_page_of_the_frame_renders() {
    for page in pages() {
        let refusals = [None, Some(text())];
        for refusal in refusals {
            check(
                "sign in",
                &SignInPage {
                    page: page.clone(),
                    email: text(),
                    next: text(),
                    refusal: refusal.clone(),
                },
            );
            check(
                "set up",
                &SetupPage {
                    page: page.clone(),
                    name: text(),
                    email: text(),
                    team: text(),
                    refusal: refusal.clone(),
                },
            );
            check(
                "new team",
                &NewTeamPage {
                    page: page.clone(),
                    name: text(),
                    slug: text(),
                    refusal: refusal.clone(),
                },
            );
            check("profile", &profile(page.clone(), refusal.clone()));
            for state in [
                JoinState::Confirm,
                JoinState::SomebodyElse,
                JoinState::SignIn,
                JoinState::MakeUser,
                JoinState::MakeOrSignIn,
            ] {
                check("join", &join(page.clone(), state, refusal.clone()));
            }
            for (is_team, may_manage) in [(true, true), (true, false), (false, true)] {
                check(
                    "members",
                    &members(page.clone(), is_team, may_manage, refusal.clone()),
                );
            }
        }
        check("welcome", &WelcomePage { page: page.clone() });
        check("audit log", &audit_log(page.clone()));
        for may_change in [true, false] {
            check("storage", &storage(page.clone(), may_change));
        }
        check(
            "empty audit log",
            &AuditLogPage {
                events: Vec::new(),
                ..audit_log(page.clone())
            },
        );
        let problem = ProblemPage {
            page,
            status: 500,
            heading: "Wrong",
            sentence: text(),
            id: Some(text()),
        };
        check("problem", &problem);
    }
}

fn profile(page: Page, refusal: Option<String>) -> ProfilePage {
    let session = |is_this| ShownSession {
        key: "00".to_owned(),
        is_this,
        browser: text(),
        address: text(),
        created_at: NOW,
        seen_at: NOW,
    };
    ProfilePage {
        page,
        name: text(),
        email: text(),
        sessions: vec![session(true), session(false)],
        refusal,
    }
}

fn join(page: Page, state: JoinState, refusal: Option<String>) -> JoinPage {
    JoinPage {
        page,
        account: text(),
        invited_by: text(),
        email: text(),
        role: Role::Viewer,
        state,
        name: text(),
        refusal,
    }
}

fn members(page: Page, is_team: bool, may_manage: bool, refusal: Option<String>) -> MembersPage {
    let member = |is_self, may_change| ShownMember {
        id: "1".to_owned(),
        name: text(),
        email: text(),
        role: Role::Owner,
        since: NOW,
        is_confirmed: false,
        is_disabled: is_self,
        is_self,
        may_change,
    };
    let invitation = ShownInvitation {
        id: "1".to_owned(),
        email: text(),
        role: Role::Viewer,
        invited_by: text(),
        expires_at: NOW,
    };
    MembersPage {
        page,
        is_team,
        may_manage,
        may_make_accounts: may_manage,
        members: vec![
            member(true, true),
            member(false, true),
            member(false, false),
        ],
        invitations: vec![invitation],
        roles: Role::ALL.to_vec(),
        invited: Some(InvitedLink {
            email: text(),
            url: text(),
        }),
        refusal,
        email: text(),
    }
}

fn storage(page: Page, may_change: bool) -> StoragePage {
    let one = pipewright_store::storage::ApplicationSizes {
        name: text(),
        slug: "checkout".to_owned(),
        sizes: pipewright_store::storage::Sizes::default(),
        moves: 64,
        pull_requests: 1,
        measured_at: NOW,
    };
    let kept = KeptFor {
        word: "builds_days",
        label: "Builds, days",
        value: 30,
        own: text(),
        setting: 365,
    };
    StoragePage {
        page,
        applications: vec![one],
        measured_at: Some(NOW),
        kept: vec![kept],
        moves_kept: 32,
        artifact_days: 14,
        may_change,
        refusal: may_change.then(text),
    }
}

fn audit_log(page: Page) -> AuditLogPage {
    let event = ShownEvent {
        at: NOW,
        actor: text(),
        email: text(),
        user: text(),
        sentence: text(),
        address: text(),
    };
    AuditLogPage {
        page,
        lede: "Who did what.",
        path: "/installation/audit-log".to_owned(),
        query: LogQuery {
            who: text(),
            what: text(),
            since: text(),
            until: text(),
            before: text(),
            after: text(),
        },
        choices: vec![Choice {
            value: "user",
            label: text(),
            chosen: true,
        }],
        events: vec![event],
        older: Some("before=1".to_owned()),
        newer: Some("after=9".to_owned()),
        newest: "who=1".to_owned(),
        is_first: false,
        refusal: Some(text()),
    }
}

#[test]
fn the_bars_of_last_builds_render() {
    #[derive(Template)]
    #[template(
        source = "{% import \"parts/spark.html\" as spark %}{% call spark::spark(bars) %}{% endcall %}",
        ext = "html"
    )]
    struct Sample {
        bars: Vec<spark::Bar>,
    }

    let bar = spark::Bar {
        x: 0,
        y: 4,
        height: 16,
        class: "ok",
        title: text(),
    };
    let html = Sample { bars: vec![bar] }.render().expect("renders");
    check_html("bars", &html);
    assert!(
        html.contains("<rect class=\"ok\" x=\"0\" y=\"4\""),
        "{html}"
    );
    assert_eq!(Sample { bars: Vec::new() }.render().expect("renders"), "");
}
