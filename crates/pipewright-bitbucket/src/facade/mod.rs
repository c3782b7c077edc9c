//! One door to both Bitbucket products, in our words.
//!
//! A closed enum rather than a trait: production has exactly these two, and every caller should see at once where they
//! differ. What only one of them has (OAuth, scopes, the connection check) is reached through its own module.

mod keys;
mod refs;
mod repositories;
mod writing;

pub use repositories::RepositoryPages;

pub use crate::product::Product;

use crate::cloud::CloudClient;
use crate::datacenter::DataCenterClient;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;
    use crate::remote::RepositoryAddress;
    use crate::testing::http;
    use pipewright_core::Secret;

    #[test]
    fn words_come_back() {
        for product in [Product::Cloud, Product::DataCenter] {
            assert_eq!(Product::parse(product.as_str()), Some(product));
        }
        assert_eq!(Product::parse("stash"), None);
    }

    #[test]
    fn calls_can_be_made_from_spawned_tasks() {
        fn is_send<T: Send>(_: T) {}
        let base = "https://git.example.com".parse().expect("an address");
        let bitbucket = Bitbucket::DataCenter(DataCenterClient::new(
            http(),
            base,
            Credential::HttpAccessToken(Secret::new("t")),
        ));
        let address = RepositoryAddress {
            remote_id: "1".to_owned(),
            space: "PRJ".to_owned(),
            slug: "site".to_owned(),
        };
        is_send(bitbucket.branches(&address));
        is_send(bitbucket.repository(&address));
        is_send(bitbucket.find_moved_repository(&address));
        is_send(async { bitbucket.list_repositories().next().await });
        let client = DataCenterClient::new(
            http(),
            "https://git.example.com".parse().expect("an address"),
            Credential::HttpAccessToken(Secret::new("t")),
        );
        is_send(client.check_connection());
    }
}
