//! One id type per noun, so that a key's number is never taken for a webhook's.
//!
//! Ids are counters of one installation, starting at 1; Data Center shows them, Cloud shows the UUIDs that stand beside
//! them in each record.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(
            /// The number itself.
            pub u64,
        );

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

id!(
    /// A person (or bot) of one installation.
    UserId
);
id!(
    /// A workspace on Cloud, a project on Data Center.
    SpaceId
);
id!(
    /// A repository.
    RepositoryId
);
id!(
    /// A registered public SSH key, of a user or for repositories.
    KeyId
);
id!(
    /// A webhook registration.
    WebhookId
);
id!(
    /// One event on its way to one webhook.
    DeliveryId
);
id!(
    /// An API token, access token or HTTP access token.
    TokenId
);
