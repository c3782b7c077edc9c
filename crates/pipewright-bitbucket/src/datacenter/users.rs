//! Who the credential is.

use percent_encoding::percent_decode_str;
use reqwest::Method;

use super::DataCenterClient;
use super::wire::{SshSettings, User};
use crate::credential::Credential;
use crate::http::{Answer, ApiError, Request, encode_path_part};
use crate::remote::RemoteUser;

impl DataCenterClient {
    /// The account behind the credential. The server names it in a header, and where that is missing a password's user is
    /// known all the same; the synthetic user of a project's or repository's token has no page and is answered with its name
    /// alone.
    pub async fn current_user(&self) -> Result<RemoteUser, ApiError> {
        let doing = "asking the server who the credential belongs to";
        let answer = self
            .send(Request::new(
                Method::GET,
                self.url("/api/latest/build/capabilities", &[], doing)?,
                doing,
            ))
            .await?;
        if let Some(name) = user_name(&answer) {
            return self.user(&name).await;
        }
        // A signed-in user alone may ask this, so that an ignored credential is not taken for a good one.
        self.get::<serde::de::IgnoredAny>(
            "/api/1.0/dashboard/pull-requests",
            &[("limit", "1")],
            doing,
        )
        .await?;
        match &self.credential {
            Some(Credential::Basic { user, .. }) => self.user(user).await,
            _ => Ok(unnamed()),
        }
    }

    /// One user by name.
    pub(crate) async fn user(&self, name: &str) -> Result<RemoteUser, ApiError> {
        let path = format!("/api/1.0/users/{}", encode_path_part(&slug_of(name)));
        match self
            .get::<User>(&path, &[], &format!("reading the user {name}"))
            .await
        {
            Ok(user) => Ok(person(user, name)),
            Err(
                ApiError::NotFound { .. }
                | ApiError::Forbidden { .. }
                | ApiError::Unauthorized { .. },
            ) => Ok(person(
                User {
                    kind: Some("SERVICE".to_owned()),
                    ..User::default()
                },
                name,
            )),
            Err(error) => Err(error),
        }
    }

    /// How the server's SSH is set up. Any signed-in user may ask.
    pub(crate) async fn ssh_settings_wire(&self) -> Result<SshSettings, ApiError> {
        self.get(
            "/ssh/latest/settings",
            &[],
            "reading how SSH is set up on the server",
        )
        .await
    }
}

/// A user whom the server does not name: the owner of a token.
pub(crate) fn unnamed() -> RemoteUser {
    person(
        User {
            display_name: Some("the owner of the token".to_owned()),
            ..User::default()
        },
        "",
    )
}

/// The name in the header of an authenticated answer; none where the server treats us as anonymous.
pub(crate) fn user_name(answer: &Answer) -> Option<String> {
    let name = percent_decode_str(answer.header("x-ausername")?)
        .decode_utf8()
        .ok()?
        .replace('+', " ");
    (!name.is_empty() && name != "anonymous").then_some(name)
}

/// A user's slug: the name in lower case with special characters replaced.
fn slug_of(name: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    name.to_lowercase()
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

pub(crate) fn person(user: User, name: &str) -> RemoteUser {
    let name = user.name.unwrap_or_else(|| name.to_owned());
    RemoteUser {
        id: user.id.map(|id| id.to_string()).unwrap_or_default(),
        display_name: user.display_name.unwrap_or_else(|| name.clone()),
        name,
        email: user.email_address,
        service: user.kind.is_some_and(|kind| kind == "SERVICE"),
    }
}

#[cfg(test)]
mod tests {
    use super::slug_of;

    #[test]
    fn slugs_replace_what_addresses_cannot_hold() {
        assert_eq!(slug_of("jane@example"), "jane_example");
        assert_eq!(slug_of("Admin"), "admin");
        assert_eq!(slug_of("john.doe@example.com"), "john.doe_example.com");
    }
}
