//! The address a person types, as the base of every call.

use url::Url;

/// The text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Nothing was entered.
    #[error(
        "enter the address of your Bitbucket server, for example https://bitbucket.example.com"
    )]
    Empty,
    /// It cannot be read as an address.
    #[error(
        "{0:?} is not an address; enter it as in the browser, for example https://bitbucket.example.com/bitbucket"
    )]
    NotAnAddress(String),
    /// It has another scheme.
    #[error(
        "the address begins with {0}; enter the one that the browser shows, with http:// or https://"
    )]
    WrongScheme(String),
    /// It carries a user name or password.
    #[error("the address holds a user name or password; enter them in their own fields")]
    WithCredentials,
    /// It is Bitbucket Cloud.
    #[error("this is Bitbucket Cloud; use Connect Bitbucket instead of Bitbucket Server")]
    IsCloud,
}

/// Reads an address as people type or paste it: with or without scheme (then https), with a context path, and possibly
/// copied from a page inside Bitbucket, whose own path is cut off. Nothing else is changed.
pub fn parse_base_url(text: &str) -> Result<Url, BaseUrlError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BaseUrlError::Empty);
    }
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let mut url = Url::parse(&with_scheme)
        .map_err(|_| BaseUrlError::NotAnAddress(text.chars().take(200).collect()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BaseUrlError::WrongScheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::WithCredentials);
    }
    let host = url.host_str().unwrap_or_default();
    if host == "bitbucket.org" || host.ends_with(".bitbucket.org") {
        return Err(BaseUrlError::IsCloud);
    }
    url.set_query(None);
    url.set_fragment(None);
    let context = context(url.path()).to_owned();
    url.set_path(&context);
    Ok(url)
}

/// The path up to where Bitbucket's own pages begin, without a slash at its end.
fn context(path: &str) -> &str {
    let pages = [
        "/projects",
        "/users",
        "/repos",
        "/dashboard",
        "/login",
        "/profile",
        "/account",
        "/admin",
        "/rest",
        "/scm",
        "/plugins",
        "/mvc",
    ];
    let end = pages
        .iter()
        .filter_map(|page| {
            let at = path.find(page)?;
            let after = path.as_bytes().get(at + page.len());
            matches!(after, None | Some(b'/')).then_some(at)
        })
        .min()
        .unwrap_or(path.len());
    path[..end].trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{BaseUrlError, parse_base_url};

    #[rstest]
    #[case("bitbucket.example.com", "https://bitbucket.example.com/")]
    #[case(" http://git.example.com:7990/ ", "http://git.example.com:7990/")]
    #[case("https://example.com/bitbucket/", "https://example.com/bitbucket")]
    #[case(
        "https://example.com/stash/projects/PRJ/repos/site/browse?at=x#y",
        "https://example.com/stash"
    )]
    #[case("https://example.com/dashboard", "https://example.com/")]
    #[case(
        "https://example.com/projects-bitbucket",
        "https://example.com/projects-bitbucket"
    )]
    #[case("10.0.0.7:7990", "https://10.0.0.7:7990/")]
    fn t14_the_context_path_is_kept(#[case] typed: &str, #[case] base: &str) {
        assert_eq!(parse_base_url(typed).expect("an address").as_str(), base);
    }

    #[rstest]
    #[case("", BaseUrlError::Empty)]
    #[case("ssh://git@example.com:7999", BaseUrlError::WrongScheme("ssh".to_owned()))]
    #[case("https://jane:secret@example.com", BaseUrlError::WithCredentials)]
    #[case("https://bitbucket.org/acme", BaseUrlError::IsCloud)]
    #[case("https://exa mple", BaseUrlError::NotAnAddress("https://exa mple".to_owned()))]
    fn what_is_not_a_server_is_named(#[case] typed: &str, #[case] error: BaseUrlError) {
        assert_eq!(parse_base_url(typed), Err(error));
    }
}
