//! OpenID Connect: a signed token for each step that asks for one, by which clouds and vaults know which repository, branch
//! and environment a script works for, without a secret that anybody stored.
//!
//! Each account is an **issuer** of its own: `{public address}/oidc/{id of the account}`. What AWS, Google Cloud, Azure and
//! Vault trust is an issuer, so one account's trust must never reach another account of the installation, whatever the policy
//! behind it forgets to ask; and an id stays when an account is renamed, which an issuer must. All four find the keys by the
//! discovery document below the issuer.
//!
//! `sign` knows the two algorithms, `keys` the life of keys, `claims` what a token says, `mint` makes one when a step is
//! claimed. A token is never stored.

mod change;
mod claims;
mod keys;
mod mint;
mod sign;

pub(crate) use change::{choose_algorithm, rotate};
pub(crate) use claims::{Identity, audience, environment_id};
pub(crate) use keys::{Standing, ensure, issuer, published, standing};
pub(crate) use mint::{MintError, mint};
