//! Host keys as `known_hosts` lines: what is pinned, and how it is shown.

use ssh_key::{HashAlg, PublicKey};

/// Lines of a `known_hosts` file that parse, as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostKeys {
    lines: Vec<(String, String)>,
}

/// The parts of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostKey<'a> {
    /// `example.com`, `[example.com]:2222`, several with commas between, or a hash of one.
    pub host: &'a str,
    /// `ssh-ed25519`, …
    pub kind: &'a str,
    /// In base64.
    pub public_key: &'a str,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: &'a str,
}

impl HostKeys {
    /// Reads `known_hosts` text; lines that are comments, empty or broken are left out.
    pub fn parse(text: &str) -> Self {
        let read = |line: &str| {
            let mut words = line.split_whitespace();
            let (_host, kind, key) = (words.next()?, words.next()?, words.next()?);
            let key = PublicKey::from_openssh(&format!("{kind} {key}")).ok()?;
            Some((
                line.to_owned(),
                key.fingerprint(HashAlg::Sha256).to_string(),
            ))
        };
        Self {
            lines: text
                .lines()
                .map(str::trim)
                .filter(|line| !line.starts_with('#'))
                .filter_map(read)
                .collect(),
        }
    }

    /// The first line of `known_hosts` text that is neither a host's key nor empty nor a comment.
    pub fn unreadable(text: &str) -> Option<&str> {
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#') && Self::parse(line).is_empty())
    }

    /// What the lines say, in order.
    pub fn keys(&self) -> impl Iterator<Item = HostKey<'_>> {
        self.lines.iter().filter_map(|(line, fingerprint)| {
            let mut words = line.split_whitespace();
            Some(HostKey {
                host: words.next()?,
                kind: words.next()?,
                public_key: words.next()?,
                fingerprint,
            })
        })
    }

    /// True where nothing is pinned.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines as `known_hosts` text, to be stored and given back as `CloneCredential::Ssh::known_hosts`.
    pub fn text(&self) -> String {
        self.lines
            .iter()
            .flat_map(|(line, _)| [line, "\n"])
            .collect()
    }

    /// `SHA256:…` of each key, in order.
    pub fn fingerprints(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|(_, fingerprint)| fingerprint.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::HostKeys;
    use crate::ssh::SshKeyPair;

    #[test]
    fn lines_read_back_with_their_fingerprints() {
        let key = SshKeyPair::generate("").expect("a key");
        let line = format!("[127.0.0.1]:7999 {}", key.public_line.trim());
        let hosts = HostKeys::parse(&format!("# comment\n\nnonsense line here\n{line}\n"));
        assert_eq!(hosts.text(), format!("{line}\n"));
        assert_eq!(hosts.fingerprints().join(" "), key.fingerprint);
        let parts = hosts.keys().next().expect("a key");
        assert_eq!(
            (parts.host, parts.kind, parts.fingerprint),
            ("[127.0.0.1]:7999", "ssh-ed25519", key.fingerprint.as_str())
        );
        assert!(key.public_line.contains(parts.public_key));
    }

    #[test]
    fn a_line_that_is_no_host_key_is_named() {
        let key = SshKeyPair::generate("").expect("a key");
        let good = format!(
            "# from ssh-keyscan\n\nexample.com {}\n",
            key.public_line.trim()
        );
        assert_eq!(HostKeys::unreadable(&good), None);
        for bad in ["example.com", &key.public_line, "a ssh-ed25519 AAAA!"] {
            let text = format!("{good}{bad}\n");
            assert_eq!(HostKeys::unreadable(&text), Some(bad.trim()));
        }
    }
}
