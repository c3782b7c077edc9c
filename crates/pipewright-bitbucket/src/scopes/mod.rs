//! The permissions of Bitbucket Cloud: what each allows and implies, what our features need, and what a grant gives.
//!
//! One table ([`CATALOGUE`]) drives all of it: the reference page, the consent request, and the comparison of what was
//! granted with what is needed. Scopes that Bitbucket invents later are kept and shown, and imply nothing.

mod catalogue;
mod compare;
mod feature;
mod set;

pub use catalogue::{CATALOGUE, ScopeEntry, ScopeUse, entry};
pub use compare::{FeaturePermission, FeatureState, compare};
pub use feature::{Feature, api_token_scopes, default_features, needed};
pub use set::ScopeSet;
