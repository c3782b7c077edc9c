//! Making an account, with its first owner.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};
use pipewright_core::role::Role;
use pipewright_store::accounts::{self, Account, AccountKind};
use pipewright_store::{Db, StoreError, Tx, members};

/// What a new account is called and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount<'a> {
    /// A legal slug.
    pub(crate) slug: &'a str,
    /// The name people see.
    pub(crate) name: &'a str,
    /// Personal or team.
    pub(crate) kind: AccountKind,
    /// The first owner.
    pub(crate) owner: UserId,
    /// Now.
    pub(crate) now: Timestamp,
}

/// Makes the account. [`StoreError::Exists`] where its slug is taken.
pub(crate) async fn make(tx: &mut Tx, new: &NewAccount<'_>) -> Result<Account, StoreError> {
    let account = Account {
        id: AccountId::new(),
        slug: new.slug.to_owned(),
        name: new.name.to_owned(),
        kind: new.kind,
        created_at: new.now,
    };
    accounts::insert(tx, &account).await?;
    members::add(tx, account.id, new.owner, Role::Owner, new.now).await?;
    Ok(account)
}

/// A slug like the suggested one that no account has at this moment: `mara`, `mara-2`, `mara-3`, …
pub(crate) async fn free_slug(db: &Db, suggested: &str) -> Result<String, StoreError> {
    if accounts::by_slug(db, suggested).await?.is_none() {
        return Ok(suggested.to_owned());
    }
    let mut number = 2_u32;
    loop {
        let slug = format!("{suggested}-{number}");
        if accounts::by_slug(db, &slug).await?.is_none() {
            return Ok(slug);
        }
        number += 1;
    }
}
