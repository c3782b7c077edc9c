//! The OAuth consumer of Bitbucket Cloud, as an administrator sets it up.

use pipewright_core::Secret;
use pipewright_store::StoreError;
use serde_json::json;

use crate::access::consumer::{Consumer, ConsumerError, load, save};
use crate::app::App;
use crate::ground::{Administrator, Failure, Kind};

/// The longest key or secret that is taken; today's have 76 characters, and nobody promised that for ever.
const LIMIT: usize = 2000;

/// The consumer was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetConsumerError {
    /// What was entered cannot be one; a sentence for each field that is wrong.
    #[error("the OAuth consumer's key or secret cannot be used")]
    Fields {
        /// What is wrong with the key.
        key: Option<String>,
        /// What is wrong with the secret.
        secret: Option<String>,
    },
    /// The one that is stored cannot be read.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for SetConsumerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Fields { .. } => Kind::Unusable,
            Self::Consumer(_) | Self::Store(_) => Kind::Internal,
        }
    }
}

/// Stores the consumer. An empty secret keeps the one that is stored, as long as it belongs to the same key.
pub(crate) async fn set(
    app: &App,
    who: &Administrator,
    key: &str,
    secret: Secret,
) -> Result<(), SetConsumerError> {
    let kept = load(app)
        .await?
        .filter(|before| before.key == key && secret.is_empty())
        .map(|before| before.secret);
    let secret = kept.unwrap_or(secret);
    let wrong = (problem("Key", key), problem("Secret", secret.expose()));
    if wrong.0.is_some() || wrong.1.is_some() {
        return Err(SetConsumerError::Fields {
            key: wrong.0,
            secret: wrong.1,
        });
    }
    let consumer = Consumer {
        key: key.to_owned(),
        secret,
    };
    let mut tx = app.db.begin().await?;
    save(app, &mut tx, &consumer).await?;
    who.record(&mut tx, "bitbucket_consumer.set", key, json!({}))
        .await?;
    Ok(tx.commit().await?)
}

/// What is wrong with a field.
fn problem(name: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        Some(format!(
            "Enter the {name}: Bitbucket shows it when you click the consumer's name in its list."
        ))
    } else if text.len() > LIMIT
        || text
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
    {
        Some(format!(
            "This is not a {name} as Bitbucket shows it; copy it again, without anything around it."
        ))
    } else {
        None
    }
}
