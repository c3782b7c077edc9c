//! Host keys as `known_hosts` lines: what is pinned, and how it is shown.

use ssh_key::{HashAlg, PublicKey};

/// Lines of a `known_hosts` file that parse, as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostKeys {
    lines: Vec<(String, String)>,
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
        assert_eq!(hosts.fingerprints(), [key.fingerprint]);
    }
}
