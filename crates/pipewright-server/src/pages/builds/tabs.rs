//! What the pages below a build's drawing open with.

use serde::Deserialize;

use super::find;
use super::head::{Head, Looked, Tab};
use crate::app::App;
use crate::http::{MemberOf, PageError};

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

/// Account, application and number of the build, as they stand in the address.
pub(super) type Address = (String, String, String);

/// The build of the address, and the upper part of this page of it.
pub(super) async fn open(
    app: &App,
    member: &MemberOf,
    address: &Address,
    tab: Tab,
) -> Result<(Looked, Head), PageError> {
    let (_, application, number) = address;
    let build = find::build(app, member, application, number).await?;
    let looked = Looked::read(app, member, build, None).await?;
    let head = Head::of(app, member, &looked, tab).await?;
    Ok((looked, head))
}
