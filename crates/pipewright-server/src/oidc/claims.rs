//! What a token says: Bitbucket's own claims (execution.md §1.5), with names beside their ids. No I/O.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use pipewright_core::Timestamp;
use pipewright_core::TriggerKind;
use pipewright_core::ids::{AccountId, ApplicationId, StepId};
use pipewright_store::builds::RunContext;
use pipewright_store::integrations::IntegrationKind;
use pipewright_store::repositories::Repository;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

/// Azure compares the whole subject, and asks for an audience that begins like this.
const AZURE: &str = "api://AzureADTokenExchange";

/// Which repository a token is for, as verifiers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// In braces: Bitbucket's own on Cloud. Data Center has none; there it is the one under which the repository is kept here.
    pub(crate) repository: String,
    /// In braces: of the workspace on Cloud, of the account where there is no workspace.
    pub(crate) workspace: String,
}

/// A UUID as Bitbucket writes it.
fn braced(id: Uuid) -> String {
    format!("{{{id}}}")
}

impl Identity {
    /// Ids that Bitbucket counts are not taken: two Data Centers of one account count the same.
    pub(crate) fn of(kind: IntegrationKind, repository: &Repository) -> Self {
        match kind {
            IntegrationKind::Cloud => Self {
                repository: repository.remote_id.clone(),
                workspace: repository.owner_id.clone(),
            },
            IntegrationKind::DataCenter => Self {
                repository: braced(repository.id.as_uuid()),
                workspace: braced(repository.account.as_uuid()),
            },
        }
    }
}

/// Whom a token is for where the step does not say: Bitbucket's own word for the workspace.
pub(crate) fn audience(identity: &Identity) -> String {
    let workspace = identity.workspace.trim_matches(['{', '}']);
    format!("ari:cloud:bitbucket::workspace/{workspace}")
}

/// The id of an environment of an application, which stays the same for its name in any case. Bitbucket gives each one an id;
/// here the pipeline file makes them by naming them.
pub(crate) fn environment_id(application: ApplicationId, name: &str) -> String {
    let text = format!("environment:{application}:{}", name.to_lowercase());
    let hash = digest(&SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    braced(Builder::from_custom_bytes(bytes).into_uuid())
}

/// True where one of the audiences is Azure's.
fn is_for_azure(audiences: &[String]) -> bool {
    audiences.iter().any(|audience| audience.starts_with(AZURE))
}

/// What a token is about.
pub(crate) struct About<'a> {
    pub(crate) issuer: String,
    pub(crate) account: AccountId,
    pub(crate) identity: Identity,
    pub(crate) repository: &'a Repository,
    pub(crate) context: &'a RunContext,
    pub(crate) step: StepId,
    pub(crate) attempt: String,
    /// The environment that the step deploys to.
    pub(crate) environment: Option<&'a str>,
    /// Whom the step names; empty for the usual one.
    pub(crate) audiences: &'a [String],
    pub(crate) now: Timestamp,
    pub(crate) lifetime: Duration,
}

/// The claims of a token.
pub(super) fn claims(about: &About<'_>) -> Value {
    let context = about.context;
    let environment = about
        .environment
        .map(|name| (name, environment_id(context.application_id, name)));
    let step = braced(about.step.as_uuid());
    let mut subject = vec![about.identity.repository.clone()];
    subject.extend(environment.as_ref().map(|(_, id)| id.clone()));
    // The step is another one in each build, so that a subject that is compared as a whole could never be trusted.
    if !is_for_azure(about.audiences) {
        subject.push(step.clone());
    }
    let audience = match about.audiences {
        [] => json!(audience(&about.identity)),
        [one] => json!(one),
        several => json!(several),
    };
    let seconds = about.now.as_micros() / 1_000_000;
    let lifetime = i64::try_from(about.lifetime.as_secs()).unwrap_or(i64::MAX);
    let mut claims = json!({
        "iss": about.issuer,
        "sub": subject.join(":"),
        "aud": audience,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds.saturating_add(lifetime),
        "jti": about.attempt,
        "accountUuid": braced(about.account.as_uuid()),
        "workspaceUuid": about.identity.workspace,
        "repositoryUuid": about.identity.repository,
        "repository": about.repository.full_name,
        "pipelineUuid": braced(context.id.as_uuid()),
        "stepUuid": step,
        "commit": context.commit.to_string(),
        "trigger": context.trigger.as_str(),
    });
    let (kind, name) = if context.ref_name.is_branch() {
        ("branchName", context.ref_name.short())
    } else {
        ("tagName", context.ref_name.short())
    };
    claims[kind] = json!(name);
    if let Some((name, id)) = environment {
        claims["deploymentEnvironmentUuid"] = json!(id);
        claims["deploymentEnvironment"] = json!(name);
    }
    if let (TriggerKind::PullRequest, Some(request)) =
        (context.trigger, &context.detail.pull_request)
    {
        claims["pullRequestId"] = json!(request.id);
    }
    claims
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::ApplicationId;

    use super::{Identity, audience, environment_id, is_for_azure};

    #[test]
    fn an_environment_has_one_id_in_an_application_whatever_its_case() {
        let (shop, other) = (ApplicationId::new(), ApplicationId::new());
        let id = environment_id(shop, "Production");
        assert_eq!(id, environment_id(shop, "production"));
        assert_ne!(id, environment_id(shop, "test"));
        assert_ne!(id, environment_id(other, "production"));
        assert!(
            id.starts_with('{') && id.ends_with('}') && id.len() == 38,
            "{id}"
        );
    }

    #[test]
    fn the_usual_audience_is_bitbuckets_word_for_the_workspace() {
        let identity = Identity {
            repository: "{r}".to_owned(),
            workspace: "{w}".to_owned(),
        };
        assert_eq!(audience(&identity), "ari:cloud:bitbucket::workspace/w");
        assert!(is_for_azure(&["api://AzureADTokenExchange".to_owned()]));
        assert!(!is_for_azure(&["sts.amazonaws.com".to_owned()]));
    }
}
