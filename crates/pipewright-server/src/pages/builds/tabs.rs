//! What the pages below a build's drawing open with.

use pipewright_store::builds::Build;
use serde::Deserialize;

use super::head::{Head, Looked, Tab};
use crate::app::App;
use crate::web::{MemberOf, PageError};

/// What the address of a tab may ask for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    part: Option<String>,
}

impl Asked {
    /// True where only the upper part is wanted, to draw it anew.
    pub(super) const fn is_for_head(&self) -> bool {
        self.part.is_some()
    }
}

/// What is known of the build, and the upper part of this page of it.
pub(super) async fn open(
    app: &App,
    member: &MemberOf,
    build: Build,
    tab: Tab,
) -> Result<(Looked, Head), PageError> {
    let looked = Looked::read(app, member, build, None).await?;
    let head = Head::of(app, member, &looked, tab).await?;
    Ok((looked, head))
}
