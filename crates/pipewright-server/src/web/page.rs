//! What every page is told, whatever it shows: who looks, at which account, in which colours.
//!
//! A page's own context embeds a [`Page`] as `page` and extends `layout.html`. A handler gets one from whoever asks:
//! `member.page("Integrations").nav(Nav::Integrations).rail(Rail::Integrations)`.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use pipewright_core::{Right, Role, Timestamp};

use super::format;
use super::states::Pill;
use super::statics;
use crate::live::{Part, Trouble};

/// The longest message that is carried to the next page, in characters.
const LONGEST_FLASH: usize = 600;

/// Which entry of the top bar is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nav {
    /// None of them.
    #[default]
    None,
    /// Applications and everything of one application but its builds.
    Applications,
    /// Builds.
    Builds,
    /// Deliveries.
    Deliveries,
    /// Integrations.
    Integrations,
}

/// Which entry of the settings' rail is current; `None` is a page without the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rail {
    /// No rail.
    #[default]
    None,
    /// The account's integrations.
    Integrations,
    /// The account's members.
    Members,
    /// The account's variables.
    Variables,
    /// The issuer of the account's step tokens.
    Oidc,
    /// What the account's applications take.
    Storage,
    /// The account's history.
    AuditLog,
    /// The user's own profile.
    Profile,
    /// The account itself: its name, and its end.
    Account,
    /// The installation: users, accounts, addresses.
    Installation,
    /// The installation's history.
    InstallationLog,
    /// The installation's OAuth consumer.
    BitbucketCloud,
}

/// Light or dark, or as the browser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the browser says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The word kept in the cookie and in `data-theme`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme from its word; what is no theme is [`Theme::Auto`].
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// One message, shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Whether it tells of something done, rather than something refused.
    pub(crate) good: bool,
    /// The sentence.
    pub(crate) text: String,
}

impl Flash {
    /// As the cookie carries it.
    pub(crate) fn to_cookie(&self) -> String {
        let text: String = self.text.chars().take(LONGEST_FLASH).collect();
        format!(
            "{}{}",
            if self.good { "1" } else { "0" },
            utf8_percent_encode(&text, NON_ALPHANUMERIC)
        )
    }

    /// From the cookie; nothing where the cookie is none of ours.
    pub(crate) fn from_cookie(value: &str) -> Option<Self> {
        let (good, text) = value.split_at_checked(1)?;
        let text = percent_decode_str(text)
            .decode_utf8()
            .ok()?
            .chars()
            .take(LONGEST_FLASH)
            .collect();
        Some(Self {
            good: good == "1",
            text,
        })
    }
}

/// The user, as pages show them.
#[derive(Debug, Clone)]
pub(crate) struct PageUser {
    /// The name.
    pub(crate) name: String,
    /// The e-mail address.
    pub(crate) email: String,
    /// Whether they administer the installation.
    pub(crate) is_administrator: bool,
    /// Whether they may make accounts.
    pub(crate) may_make_accounts: bool,
}

/// An account, as pages show it.
#[derive(Debug, Clone)]
pub(crate) struct PageAccount {
    /// The first part of its addresses.
    pub(crate) slug: String,
    /// The name.
    pub(crate) name: String,
    /// What the user is in it.
    pub(crate) role: Role,
}

impl PageAccount {
    /// The letter in its square.
    pub(crate) fn initial(&self) -> String {
        self.name
            .chars()
            .next()
            .map_or_else(String::new, |letter| letter.to_uppercase().collect())
    }

    /// True where the user's role carries the right.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }
}

/// What every page is told.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The document's title, without "· Pipewright".
    pub(crate) title: String,
    /// The file of the tab's icon.
    pub(crate) icon: &'static str,
    /// The current entry of the top bar.
    pub(crate) nav: Nav,
    /// The current entry of the settings' rail.
    pub(crate) rail: Rail,
    /// The sub-path to put before every link: empty, or `/pipewright`.
    pub(crate) base: String,
    /// Who is signed in.
    pub(crate) user: Option<PageUser>,
    /// The account that is looked at.
    pub(crate) account: Option<PageAccount>,
    /// Every account the user is a member of.
    pub(crate) accounts: Vec<PageAccount>,
    /// The colours.
    pub(crate) theme: Theme,
    /// Sentences in red on every page: what of this installation everybody must know.
    pub(crate) alarms: Vec<String>,
    /// A message from the page before.
    pub(crate) flash: Option<Flash>,
    /// Now; pages say how long ago things were.
    pub(crate) now: Timestamp,
    /// The address of this page without the sub-path, to come back to.
    pub(crate) path: String,
    /// What does not work at the moment, for whoever is signed in.
    pub(crate) troubles: Vec<Trouble>,
}

/// One entry of the rail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RailEntry {
    /// The label.
    pub(crate) label: &'static str,
    /// Where it leads.
    pub(crate) href: String,
    /// Whether it is this page.
    pub(crate) current: bool,
    /// Whether it belongs to the entry above.
    pub(crate) under: bool,
}

impl Page {
    /// Says in the tab where something stands: in the title, and by the icon's colour and shape.
    pub(crate) fn stands(mut self, pill: Pill) -> Self {
        self.title = format!("{} · {}", pill.label, self.title);
        self.icon = statics::icon_of(pill.class);
        self
    }

    /// Names the current entry of the top bar.
    pub(crate) fn nav(mut self, nav: Nav) -> Self {
        self.nav = nav;
        self
    }

    /// Shows the settings' rail with this entry current.
    pub(crate) fn rail(mut self, rail: Rail) -> Self {
        self.rail = rail;
        self
    }

    /// A link to a path of ours that begins with a slash.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A link into the current account: `page.own("/builds")` is `/harbor/builds`. Without an account, the front page.
    pub(crate) fn own(&self, path: &str) -> String {
        match &self.account {
            Some(account) => format!("{}/{}{path}", self.base, account.slug),
            None => format!("{}/", self.base),
        }
    }

    /// True where the user may do this in the current account.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.account
            .as_ref()
            .is_some_and(|account| account.may(right))
    }

    /// True where the entry of this name in the top bar is current.
    pub(crate) fn is_nav(&self, word: &str) -> bool {
        match self.nav {
            Nav::None => false,
            Nav::Applications => word == "applications",
            Nav::Builds => word == "builds",
            Nav::Deliveries => word == "deliveries",
            Nav::Integrations => word == "integrations",
        }
    }

    /// True for a page with the settings' rail.
    pub(crate) fn has_rail(&self) -> bool {
        self.rail != Rail::None
    }

    /// The value of `data-theme`, where a theme was chosen.
    pub(crate) fn chosen_theme(&self) -> Option<&'static str> {
        (self.theme != Theme::Auto).then(|| self.theme.as_str())
    }

    /// Where a file of ours is served.
    pub(crate) fn asset(&self, file: &str) -> String {
        format!("{}{}", self.base, statics::path(file))
    }

    /// How long ago that was: `12 min ago`.
    pub(crate) fn ago(&self, moment: &Timestamp) -> String {
        format::ago(self.now, *moment)
    }

    /// That moment, exactly: `2026-11-30 14:05:09 UTC`.
    pub(crate) fn exact(&self, moment: &Timestamp) -> String {
        format::exact(*moment)
    }

    /// A number with its noun: `1 branch`, `2 branches`.
    pub(crate) fn count(&self, number: &usize, noun: &str) -> String {
        format::count(*number, noun)
    }

    /// What is said of the parts that do not work, a sentence each; why, for administrators only.
    pub(crate) fn banner(&self) -> Vec<String> {
        let Some(user) = &self.user else {
            return Vec::new();
        };
        let mut sentences: Vec<String> = Vec::new();
        // Without its database every part is in trouble, and one sentence says it.
        let database = |trouble: &&Trouble| trouble.part == Part::Database;
        let root = self.troubles.iter().find(database);
        for trouble in root.map_or(self.troubles.as_slice(), std::slice::from_ref) {
            if trouble.part == Part::Runner && !self.alarms.is_empty() {
                // Said above already.
                continue;
            }
            let about = trouble.part.about();
            let sentence = if user.is_administrator {
                format!(
                    "Trouble with {about}: {}.",
                    trouble.why.trim_end_matches('.')
                )
            } else {
                format!("Trouble with {about}. An administrator of this server sees why.")
            };
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        sentences
    }

    /// The rail's entries about the account.
    pub(crate) fn account_entries(&self) -> Vec<RailEntry> {
        if self.account.is_none() {
            return Vec::new();
        }
        let mut entries = vec![
            self.entry(
                "Integrations",
                self.own("/settings/integrations"),
                Rail::Integrations,
            ),
            self.entry(
                "Variables",
                self.own("/settings/variables"),
                Rail::Variables,
            ),
            self.entry("OpenID Connect", self.own("/settings/oidc"), Rail::Oidc),
            self.entry("Members", self.own("/settings/members"), Rail::Members),
            self.entry("Storage", self.own("/settings/storage"), Rail::Storage),
        ];
        let is_owner = self
            .account
            .as_ref()
            .is_some_and(|account| account.role == Role::Owner);
        if is_owner {
            entries.push(self.entry("Account", self.own("/settings/account"), Rail::Account));
        }
        if self.may(Right::ManageMembers) {
            entries.push(self.entry("Audit log", self.own("/settings/audit-log"), Rail::AuditLog));
        }
        entries
    }

    /// The rail's entries about the user.
    pub(crate) fn own_entries(&self) -> Vec<RailEntry> {
        vec![self.entry("Profile", self.link("/profile"), Rail::Profile)]
    }

    /// The rail's entries about the installation; none for whoever does not administer it.
    pub(crate) fn installation_entries(&self) -> Vec<RailEntry> {
        if self.user.as_ref().is_some_and(|user| user.is_administrator) {
            let mut entries = vec![self.entry(
                "Installation",
                self.link("/installation"),
                Rail::Installation,
            )];
            if self.rail == Rail::Installation {
                for (label, part) in [
                    ("Users", "users"),
                    ("Invitations", "invitations"),
                    ("Accounts", "accounts"),
                    ("Outgoing addresses", "addresses"),
                ] {
                    entries.push(RailEntry {
                        label,
                        href: self.link(&format!("/installation#{part}")),
                        current: false,
                        under: true,
                    });
                }
            }
            entries.push(RailEntry {
                under: true,
                ..self.entry(
                    "Audit log",
                    self.link("/installation/audit-log"),
                    Rail::InstallationLog,
                )
            });
            entries.push(self.entry(
                "Bitbucket Cloud",
                self.link("/administration/bitbucket-cloud"),
                Rail::BitbucketCloud,
            ));
            entries
        } else {
            Vec::new()
        }
    }

    fn entry(&self, label: &'static str, href: String, rail: Rail) -> RailEntry {
        RailEntry {
            label,
            href,
            current: self.rail == rail,
            under: false,
        }
    }
}
