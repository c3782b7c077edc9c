//! What the URL of `origin` says of the repository at Bitbucket.

/// A repository at Bitbucket, as its clone URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Workspace on Cloud, project key on Data Center.
    pub(super) workspace: String,
    /// The repository's slug.
    pub(super) slug: String,
    /// The address for people and scripts over HTTP, where it is known.
    pub(super) http: Option<String>,
    /// The address over SSH, where it is known.
    pub(super) ssh: Option<String>,
}

impl Origin {
    /// The repository, where the URL is one of Bitbucket Cloud or has the form of a Data Center's:
    /// `https://host/scm/PROJECT/slug.git`, `ssh://git@host:7999/project/slug.git`.
    pub(super) fn of(url: &str) -> Option<Self> {
        let url = without_secrets(url)?;
        let (host, path, scheme) = taken_apart(&url)?;
        let (context, repository) = match path.rsplit_once("/scm/") {
            Some((context, repository)) if scheme == "http" => (Some(context), repository),
            _ => (None, path.trim_start_matches('/')),
        };
        let (workspace, slug) = repository.trim_end_matches('/').split_once('/')?;
        let slug = slug.strip_suffix(".git").unwrap_or(slug);
        if workspace.is_empty() || slug.is_empty() || slug.contains('/') {
            return None;
        }
        let (workspace, slug) = (workspace.to_owned(), slug.to_owned());
        if is_cloud(host) {
            let http = Some(format!("http://bitbucket.org/{workspace}/{slug}"));
            let ssh = Some(format!("git@bitbucket.org:{workspace}/{slug}.git"));
            return Some(Self {
                workspace,
                slug,
                http,
                ssh,
            });
        }
        match scheme {
            "http" if context.is_some() => {
                let http = Some(url.strip_suffix(".git").unwrap_or(&url).to_owned());
                Some(Self {
                    workspace,
                    slug,
                    http,
                    ssh: None,
                })
            }
            // Data Center's own SSH server has a port of its own.
            "ssh" if host.contains(':') => Some(Self {
                workspace,
                slug,
                http: None,
                ssh: Some(url.clone()),
            }),
            _ => None,
        }
    }
}

/// The URL without user and password, where they come with HTTP; `None` for text that is no one line.
pub(super) fn without_secrets(url: &str) -> Option<String> {
    if url.chars().any(char::is_control) {
        return None;
    }
    let clean = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        _ => url.to_owned(),
    };
    Some(clean)
}

/// Host with port, path, and `http`, `ssh` or `scp` of a URL without secrets.
fn taken_apart(url: &str) -> Option<(&str, &str, &'static str)> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http" | "https", rest)) => ("http", rest),
        Some(("ssh", rest)) => ("ssh", rest),
        Some(_) => return None,
        // git@host:path, as git reads it: a colon before the first slash.
        None => {
            let (host, path) = url
                .split_once(':')
                .filter(|(host, _)| !host.contains('/'))?;
            return Some((host.rsplit('@').next()?, path, "scp"));
        }
    };
    let (authority, _) = rest.split_once('/')?;
    Some((
        authority.rsplit('@').next()?,
        &rest[authority.len()..],
        scheme,
    ))
}

fn is_cloud(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    ["bitbucket.org", "www.bitbucket.org", "altssh.bitbucket.org"]
        .iter()
        .any(|cloud| name.eq_ignore_ascii_case(cloud))
}

#[cfg(test)]
mod tests {
    use super::{Origin, without_secrets};

    fn named(url: &str) -> Option<String> {
        Origin::of(url).map(|origin| format!("{}/{}", origin.workspace, origin.slug))
    }

    #[test]
    fn clone_urls_of_both_products_are_understood() {
        for url in [
            "git@bitbucket.org:acme/shop.git",
            "ssh://git@bitbucket.org/acme/shop.git",
            "ssh://git@altssh.bitbucket.org:443/acme/shop.git",
            "https://bitbucket.org/acme/shop",
            "https://mia:pw@bitbucket.org/acme/shop.git",
            "https://git.example.com/scm/acme/shop.git",
            "https://git.example.com:8443/bitbucket/scm/acme/shop.git",
            "ssh://git@git.example.com:7999/acme/shop.git",
        ] {
            assert_eq!(named(url).as_deref(), Some("acme/shop"), "{url}");
        }
        assert_eq!(
            named("https://git.example.com/scm/~mia/x.git").as_deref(),
            Some("~mia/x")
        );
    }

    #[test]
    fn other_addresses_are_not() {
        for url in [
            "/srv/git/shop.git",
            "../shop",
            "file:///x/y.git",
            "git@github.com:acme/shop.git",
            "https://github.com/acme/shop.git",
            "ssh://git@host/a/b.git",
            "",
            "https://bitbucket.org/acme",
            "a\nb",
        ] {
            assert_eq!(named(url), None, "{url}");
        }
    }

    #[test]
    fn passwords_do_not_get_through() {
        assert_eq!(
            without_secrets("https://mia:p@w@host/scm/a/b.git").as_deref(),
            Some("https://host/scm/a/b.git")
        );
        let origin = Origin::of("https://mia:pw@host/scm/a/b.git").expect("a Data Center's");
        assert_eq!(origin.http.as_deref(), Some("https://host/scm/a/b"));
        assert_eq!(
            without_secrets("git@host:a/b").as_deref(),
            Some("git@host:a/b")
        );
    }
}
