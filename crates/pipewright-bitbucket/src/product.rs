//! The two products.

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
        [Self::Cloud, Self::DataCenter]
            .into_iter()
            .find(|product| product.as_str() == word)
    }
}
