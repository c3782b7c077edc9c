//! The commits that came with the one that is built and have no build of their own.

use askama::Template;
use pipewright_store::StoreError;
use pipewright_store::builds::{PushedCommits, pushed_without_build};

use super::head::Looked;
use crate::app::App;
use crate::web::MemberOf;

/// The list; nothing where there is none.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "builds/pushed.html")]
pub(in crate::pages) struct Pushed {
    pub(in crate::pages) sentence: String,
    /// Short id, title and author of each.
    pub(in crate::pages) commits: Vec<(String, String, String)>,
    pub(in crate::pages) more: Option<String>,
}

impl Pushed {
    /// Reads what a build's page shows.
    pub(super) async fn of(
        app: &App,
        member: &MemberOf,
        looked: &Looked,
    ) -> Result<Self, StoreError> {
        let found = pushed_without_build(&app.db, member.account.id, looked.build.id).await?;
        Ok(Self::from(found))
    }
}

impl From<PushedCommits> for Pushed {
    fn from(found: PushedCommits) -> Self {
        let sentence = match found.commits.len() {
            1 if found.more == 0 => {
                "One commit before this one has no build of its own: it came with the same push, or no webhook reported it."
                    .to_owned()
            }
            count => format!(
                "{} commits before this one have no build of their own: they came with the same push, or no webhook reported them.",
                count as u64 + found.more
            ),
        };
        Self {
            sentence,
            commits: found
                .commits
                .into_iter()
                .map(|commit| {
                    (
                        commit.commit.short().to_owned(),
                        commit.title,
                        commit.author,
                    )
                })
                .collect(),
            more: (found.more > 0).then(|| format!("and {} more", found.more)),
        }
    }
}
