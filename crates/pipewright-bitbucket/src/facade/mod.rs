//! One door to both Bitbucket products, in our words.
//!
//! A closed enum rather than a trait: production has exactly these two, and every caller should see at once where they
//! differ. What only one of them has (OAuth, scopes, the connection check) is reached through its own module.

mod keys;
mod refs;
mod repositories;
mod writing;

pub use repositories::RepositoryPages;

use crate::cloud::CloudClient;
use crate::datacenter::DataCenterClient;

/// Which Bitbucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// Bitbucket Cloud.
    Cloud,
    /// Bitbucket Server or Data Center.
    DataCenter,
}

impl Product {
    /// The word kept in the database and used by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::DataCenter => "datacenter",
        }
    }

    /// The product from its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Cloud, Self::DataCenter].into_iter().find(|product| product.as_str() == word)
    }
}

/// A client of either Bitbucket for one credential. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Bitbucket {
    /// Bitbucket Cloud.
    Cloud(CloudClient),
    /// Bitbucket Server or Data Center.
    DataCenter(DataCenterClient),
}

impl Bitbucket {
    /// Which product it is.
    pub const fn product(&self) -> Product {
        match self {
            Self::Cloud(_) => Product::Cloud,
            Self::DataCenter(_) => Product::DataCenter,
        }
    }
}
