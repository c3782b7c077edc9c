//! What a remote has: the refs that reconcile compares, by the git protocol alone (no REST quota).

use std::collections::BTreeMap;

use pipewright_core::wire::CloneCredential;
use pipewright_core::{CommitHash, RefName};

use super::command::Git;
use super::error::GitError;
use super::network::Network;
use super::remote::RemoteUrl;

/// At most this much of a remote's list is read: about 400,000 refs.
const LIST_LIMIT: usize = 48 << 20;

/// The branches and tags of a remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteRefs {
    /// Each ref and the commit it stands on; annotated tags are already peeled. In the remote's order.
    pub refs: Vec<(RefName, CommitHash)>,
    /// How many refs have a name that we cannot represent (not UTF-8, or over the length limit).
    pub skipped: usize,
}

impl Git {
    /// Lists the branches and tags of a remote. An empty repository has none. Annotated tags are peeled by the remote.
    pub async fn list_remote_refs(
        &self,
        url: &str,
        credential: &CloneCredential,
    ) -> Result<RemoteRefs, GitError> {
        let url: RemoteUrl = url.parse()?;
        let network = Network {
            url: &url,
            credential,
        };
        let output = self
            .over_network(
                "ls-remote",
                &network,
                self.options().local_timeout,
                "git.local_seconds",
                LIST_LIMIT,
                |command| {
                    command
                        .args(["ls-remote", "--heads", "--tags", "--"])
                        .arg(url.as_str());
                },
            )
            .await?;
        Ok(parse(&output.stdout))
    }
}

/// Reads `id TAB name` lines; a `name^{}` line carries the commit of the annotated tag before it.
fn parse(text: &[u8]) -> RemoteRefs {
    let mut found: BTreeMap<RefName, usize> = BTreeMap::new();
    let mut result = RemoteRefs::default();
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let Some((hash, name)) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once('\t'))
        else {
            result.skipped += usize::from(!line.ends_with(b"^{}"));
            continue;
        };
        let (name, peeled) = name
            .strip_suffix("^{}")
            .map_or((name, false), |name| (name, true));
        match (name.parse::<RefName>(), hash.parse::<CommitHash>()) {
            (Ok(name), Ok(hash)) => {
                if let Some(place) = found.get(&name) {
                    result.refs[*place].1 = hash;
                } else {
                    found.insert(name.clone(), result.refs.len());
                    result.refs.push((name, hash));
                }
            }
            _ => result.skipped += usize::from(!peeled),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn annotated_tags_are_peeled_and_odd_names_counted() {
        let (one, two, three) = ("1".repeat(40), "2".repeat(40), "3".repeat(40));
        let mut text =
            format!("{one}\trefs/heads/main\n{two}\trefs/tags/v1\n{three}\trefs/tags/v1^{{}}\n{one}\trefs/heads/$(x)'\"\n").into_bytes();
        text.extend_from_slice(format!("{two}\trefs/tags/").as_bytes());
        text.extend_from_slice(b"\xff\xfe\n");
        let refs = parse(&text);
        let shown: Vec<_> = refs
            .refs
            .iter()
            .map(|(name, hash)| (name.full(), hash.short()))
            .collect();
        assert_eq!(
            shown,
            [
                ("refs/heads/main", "1111111"),
                ("refs/tags/v1", "3333333"),
                ("refs/heads/$(x)'\"", "1111111")
            ]
        );
        assert_eq!(refs.skipped, 1);
    }
}
