//! One id type per noun. Ids are UUIDv7: made by the application, unique without asking anybody, and sorted by the
//! time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text was not the id of this kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of a {noun}; copy all of it from the page or the API")]
pub struct IdError {
    /// The kind of thing the id was for.
    pub noun: &'static str,
    /// What was given.
    pub text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id; later ids sort after earlier ones.
            #[expect(clippy::new_without_default, reason = "a default id would be a different one each time")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as the database keeps it.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// The id from what the database kept.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError { noun: $noun, text: text.chars().take(64).collect() })
            }
        }
    };
}

id!(/** A person who can sign in. */ UserId, "user");
id!(/** An owner of integrations and applications: a person's own, or a team's. */ AccountId, "account");
id!(/** An offer to join an account. */ InvitationId, "invitation");
id!(/** An account's connection to one Bitbucket. */ IntegrationId, "integration");
id!(/** One thing that authenticates an integration. */ CredentialId, "credential");
id!(/** A Bitbucket repository that an integration can see. */ RepositoryId, "repository");
id!(/** A repository made buildable. */ ApplicationId, "application");
id!(/** Our registration at Bitbucket for a repository. */ WebhookId, "webhook");
id!(/** One request that Bitbucket sent us. */ DeliveryId, "delivery");
id!(/** What was decided of one change, and why. */ DecisionId, "decision");
id!(/** One run of a pipeline. */ BuildId, "build");
id!(/** One step of a build. */ StepId, "step");
id!(/** One test of an application; made of what tells it from others, not of the time. */ TestCaseId, "test");
id!(/** One execution of a step. */ AttemptId, "attempt");
id!(/** Files that an attempt left. */ ArtifactId, "artifact");
id!(/** What executes attempts. */ RunnerId, "runner");
id!(/** A piece of the server's own background work. */ TaskId, "task");
id!(/** A name and a value that builds are given. */ VariableId, "variable");
id!(/** A host key that an application's steps know. */ KnownHostId, "known host");
id!(/** What an account's step tokens are signed with. */ OidcKeyId, "signing key");
id!(/** One line of history. */ EventId, "event");
id!(/** Builds by the clock. */ ScheduleId, "schedule");

#[cfg(test)]
mod tests {
    use super::{BuildId, IdError};

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = BuildId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<_> = (0..1000).map(|_| BuildId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_wrong_text_is_named() {
        let error = "12".parse::<BuildId>().expect_err("12 is no id");
        assert_eq!(
            error,
            IdError {
                noun: "build",
                text: "12".to_owned()
            }
        );
    }
}
