//! Pages of the installation, rendered with hostile contexts.

use super::frame::{NOW, check, pages};
use super::text;
use crate::pages::installation::{
    AccountPage, AddressRow, InstallationPage, InvitationRow, LinkPage, LinkShown, Locked,
    RowOfAccount, RowOfUser,
};
use crate::web::Page;

fn user(flag: bool) -> RowOfUser {
    RowOfUser {
        id: "1".to_owned(),
        name: text(),
        initials: text(),
        email: text(),
        is_self: flag,
        is_administrator: flag,
        is_disabled: false,
        is_confirmed: flag,
        may_make_accounts: !flag,
        may_connect: !flag,
        sessions: text(),
        has_sessions: !flag,
        seen_at: Some(NOW).filter(|_| flag),
        locked: flag.then(|| Locked {
            until: NOW,
            why: text(),
        }),
    }
}

fn account(is_orphan: bool) -> RowOfAccount {
    RowOfAccount {
        slug: text(),
        name: text(),
        kind: "team",
        owner: Some(text()),
        more_owners: Some(text()),
        is_orphan,
        members: 1,
        applications: 2,
        integrations: 3,
    }
}

fn installation(page: Page, empty: bool) -> InstallationPage {
    let invitation = |is_expired| InvitationRow {
        id: "1".to_owned(),
        email: text(),
        given: text(),
        by: text(),
        created_at: NOW,
        expires_at: NOW,
        is_expired,
    };
    let disabled = RowOfUser {
        is_disabled: true,
        ..user(false)
    };
    let address = AddressRow {
        pattern: text(),
        what: "",
        by: text(),
    };
    InstallationPage {
        page,
        host: text(),
        seen_by: text(),
        link: (!empty).then(|| LinkShown {
            sentence: text(),
            url: text(),
        }),
        refusal: (!empty).then(text),
        users: if empty {
            Vec::new()
        } else {
            vec![user(true), user(false), disabled]
        },
        find: text(),
        more_users: !empty,
        invitations: if empty {
            Vec::new()
        } else {
            vec![invitation(true), invitation(false)]
        },
        invitations_line: text(),
        accounts: vec![account(true), account(false)],
        accounts_rule: "everybody",
        connections_rule: "administrators",
        addresses: vec![address],
        built_in: vec![text(), text()],
        addresses_are_configured: empty,
    }
}

#[test]
fn every_page_of_the_installation_renders() {
    for page in pages() {
        for empty in [true, false] {
            check("installation", &installation(page.clone(), empty));
            check(
                "one-time link",
                &LinkPage {
                    page: page.clone(),
                    is_invitation: empty,
                    email: text(),
                    maker: text(),
                    name: text(),
                    refusal: (!empty).then(text),
                },
            );
            check(
                "account",
                &AccountPage {
                    page: page.clone(),
                    is_installation: empty,
                    action: "/installation/accounts/x".to_owned(),
                    old_name: text(),
                    old_slug: text(),
                    name: text(),
                    slug: text(),
                    is_personal: empty,
                    holds: text(),
                    names: vec![text(), text()],
                    refusal: (!empty).then(text),
                },
            );
        }
    }
}
