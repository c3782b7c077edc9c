//! Both Bitbuckets seen from outside: OAuth, credentials, scopes, the REST clients of Bitbucket Cloud and Bitbucket Data
//! Center, webhook signatures and bodies, and build statuses as text.
//!
//! The crate talks HTTP as a client only. It knows no database and serves nothing: the caller keeps the tokens, receives
//! the deliveries and decides when to try again. [`Bitbucket`] is the product-neutral door; where the products truly
//! differ (OAuth and scopes on Cloud, the connection check on Data Center) their own modules are used directly.
//!
//! Invariants: a credential is sent to the configured scheme, host and port only; every answer and every list has a
//! bound; nothing that came from Bitbucket is trusted to be complete, and a missing optional field never loses an event.

pub mod cloud;
pub mod credential;
pub mod datacenter;
mod date;
pub mod facade;
pub mod http;
mod lenient;
pub mod oauth;
mod product;
pub mod remote;
pub mod scopes;
pub mod status;
pub mod webhook;

#[cfg(test)]
mod testing;

pub use cloud::{CloudClient, CloudEndpoints};
pub use credential::Credential;
pub use datacenter::DataCenterClient;
pub use facade::{Bitbucket, Product, RepositoryPages};
pub use http::{
    AddressClass, ApiError, Http, HttpOptions, NotAllowed, Outgoing, Pattern, PatternError,
};
pub use remote::{RemoteRepository, RepositoryAddress};
