//! What to tell AWS, Google Cloud, Azure and HashiCorp Vault, ready to be copied. No I/O.

use serde_json::{Value, json};

/// Whom one of them is to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// In braces.
    pub(super) repository: String,
    /// The application's part of addresses, for names.
    pub(super) name: String,
    /// In braces; none for every environment and none.
    pub(super) environment: Option<String>,
}

/// Something to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Unique on the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// What one of them is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) whom: &'static str,
    pub(super) note: &'static str,
    pub(super) texts: Vec<Text>,
}

/// All of them.
pub(super) fn policies(trust: &Trust) -> Vec<Policy> {
    vec![aws(trust), google(trust), azure(trust), vault(trust)]
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("cannot fail because it is JSON already")
}

impl Trust {
    /// The beginning that every subject of it has.
    fn subject(&self) -> String {
        match &self.environment {
            Some(environment) => format!("{}:{environment}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// AWS names an issuer without its scheme.
    fn without_scheme(&self) -> &str {
        self.issuer
            .split_once("://")
            .map_or(self.issuer.as_str(), |(_, rest)| rest)
    }
}

fn aws(trust: &Trust) -> Policy {
    let provider = trust.without_scheme();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::ACCOUNT_ID:oidc-provider/{provider}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { format!("{provider}:aud"): trust.audience },
                "StringLike": { format!("{provider}:sub"): format!("{}:*", trust.subject()) },
            },
        }],
    });
    Policy {
        whom: "AWS",
        note: "Add the provider once for the account, then a role with this trust policy. In the step, write the token to a file and name it in AWS_WEB_IDENTITY_TOKEN_FILE, beside AWS_ROLE_ARN.",
        texts: vec![
            Text {
                id: "aws-provider",
                title: "Provider",
                text: format!(
                    "aws iam create-open-id-connect-provider \\\n  --url '{}' \\\n  --client-id-list '{}'",
                    trust.issuer, trust.audience
                ),
            },
            Text {
                id: "aws-policy",
                title: "Trust policy of the role",
                text: pretty(&policy),
            },
        ],
    }
}

fn google(trust: &Trust) -> Policy {
    let Trust {
        issuer,
        audience,
        repository,
        name,
        environment,
    } = trust;
    let environment = environment
        .as_ref()
        .map_or_else(String::new, |environment| {
            format!(" && assertion.deploymentEnvironmentUuid == '{environment}'")
        });
    Policy {
        whom: "Google Cloud",
        note: "The provider belongs to a workload identity pool; the binding lets this repository act as a service account.",
        texts: vec![
            Text {
                id: "google-provider",
                title: "Provider",
                text: format!(
                    "gcloud iam workload-identity-pools providers create-oidc '{name}' \\\n  --location=global --workload-identity-pool=POOL \\\n  --issuer-uri='{issuer}' \\\n  --allowed-audiences='{audience}' \\\n  --attribute-mapping='google.subject=assertion.sub,attribute.repository=assertion.repositoryUuid' \\\n  --attribute-condition=\"assertion.repositoryUuid == '{repository}'{environment}\""
                ),
            },
            Text {
                id: "google-binding",
                title: "Binding",
                text: format!(
                    "gcloud iam service-accounts add-iam-policy-binding SERVICE_ACCOUNT \\\n  --role=roles/iam.workloadIdentityUser \\\n  --member='principalSet://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL/attribute.repository/{repository}'"
                ),
            },
        ],
    }
}

fn azure(trust: &Trust) -> Policy {
    let credential = json!({
        "name": format!("pipewright-{}", trust.name),
        "issuer": trust.issuer,
        "subject": trust.subject(),
        "audiences": ["api://AzureADTokenExchange"],
    });
    Policy {
        whom: "Azure",
        note: "Azure compares the whole subject, so a token for its audience has one without the step. The step asks for it: oidc: {audiences: [api://AzureADTokenExchange]}. A step that deploys has the environment in its subject; choose it above.",
        texts: vec![
            Text {
                id: "azure-credential",
                title: "Federated credential (credential.json)",
                text: pretty(&credential),
            },
            Text {
                id: "azure-command",
                title: "Command",
                text:
                    "az ad app federated-credential create --id APP_ID --parameters credential.json"
                        .to_owned(),
            },
        ],
    }
}

fn vault(trust: &Trust) -> Policy {
    let mut claims = json!({ "repositoryUuid": trust.repository });
    if let Some(environment) = &trust.environment {
        claims["deploymentEnvironmentUuid"] = json!(environment);
    }
    let role = json!({
        "role_type": "jwt",
        "user_claim": "repositoryUuid",
        "bound_audiences": [trust.audience],
        "bound_claims": claims,
        "token_policies": [trust.name],
        "token_ttl": "15m",
    });
    Policy {
        whom: "HashiCorp Vault",
        note: "Vault must reach this server to read its keys. In the step: vault write auth/jwt/login role=… jwt=$BITBUCKET_STEP_OIDC_TOKEN.",
        texts: vec![
            Text {
                id: "vault-config",
                title: "Configuration",
                text: format!(
                    "vault auth enable jwt\nvault write auth/jwt/config oidc_discovery_url='{}'",
                    trust.issuer
                ),
            },
            Text {
                id: "vault-role",
                title: "Role",
                text: format!(
                    "vault write auth/jwt/role/{} - <<'EOF'\n{}\nEOF",
                    trust.name,
                    pretty(&role)
                ),
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, policies};

    fn trust(environment: Option<&str>) -> Trust {
        Trust {
            issuer: "https://ci.example.com/oidc/1".to_owned(),
            audience: "ari:cloud:bitbucket::workspace/w".to_owned(),
            repository: "{r}".to_owned(),
            name: "shop".to_owned(),
            environment: environment.map(str::to_owned),
        }
    }

    fn all(trust: &Trust) -> String {
        policies(trust)
            .into_iter()
            .flat_map(|policy| policy.texts)
            .map(|text| text.text + "\n")
            .collect()
    }

    #[test]
    fn each_trusts_the_repository_and_nothing_wider() {
        let text = all(&trust(None));
        for expected in [
            "\"ci.example.com/oidc/1:sub\": \"{r}:*\"",
            "\"ci.example.com/oidc/1:aud\": \"ari:cloud:bitbucket::workspace/w\"",
            "oidc-provider/ci.example.com/oidc/1\"",
            "assertion.repositoryUuid == '{r}'\"",
            "attribute.repository/{r}'",
            "\"subject\": \"{r}\"",
            "\"repositoryUuid\": \"{r}\"",
            "oidc_discovery_url='https://ci.example.com/oidc/1'",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("deploymentEnvironment"), "{text}");
    }

    #[test]
    fn an_environment_narrows_all_four() {
        let text = all(&trust(Some("{e}")));
        for expected in [
            "\"{r}:{e}:*\"",
            "assertion.deploymentEnvironmentUuid == '{e}'",
            "\"subject\": \"{r}:{e}\"",
            "\"deploymentEnvironmentUuid\": \"{e}\"",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
