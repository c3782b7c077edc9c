//! Where Bitbucket Cloud is.

use url::Url;

/// The hosts of Bitbucket Cloud. The default is the real one; tests and the demonstration give a simulated one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEndpoints {
    /// Pages, OAuth and git over HTTPS: `https://bitbucket.org`.
    pub web: Url,
    /// REST, with or without the trailing `/2.0`: `https://api.bitbucket.org`.
    pub api: Url,
    /// Git over SSH.
    pub ssh_host: String,
    /// The port of git over SSH.
    pub ssh_port: u16,
}

impl Default for CloudEndpoints {
    fn default() -> Self {
        let fixed = |text: &str| {
            Url::parse(text).expect("cannot fail because the text is a constant address")
        };
        Self {
            web: fixed("https://bitbucket.org"),
            api: fixed("https://api.bitbucket.org"),
            ssh_host: "bitbucket.org".to_owned(),
            ssh_port: 22,
        }
    }
}

impl CloudEndpoints {
    /// The address of a call below `/2.0`; `path` begins with a slash and is already encoded.
    pub(crate) fn call(&self, path: &str) -> Option<Url> {
        let base = self.api.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/2.0").unwrap_or(base);
        Url::parse(&format!("{base}/2.0{path}")).ok()
    }

    /// The address of a page or OAuth call; `path` begins with a slash and is already encoded.
    pub(crate) fn page(&self, path: &str) -> Option<Url> {
        Url::parse(&format!(
            "{}{path}",
            self.web.as_str().trim_end_matches('/')
        ))
        .ok()
    }
}
