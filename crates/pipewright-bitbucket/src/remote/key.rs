//! SSH keys that Bitbucket holds.

/// What a repository's key may do. Keys of a repository on Cloud can only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAccess {
    /// Clone and fetch.
    Read,
    /// Push as well.
    Write,
}

/// A key on a repository or on a person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// Bitbucket's id of it, to be given back for removal.
    pub id: String,
    /// The name it has in lists.
    pub label: String,
    /// The public key in OpenSSH's form, possibly without its comment.
    pub text: String,
}

impl RemoteKey {
    /// True where this is the same key, whatever the comments say.
    pub fn is_key(&self, public_key: &str) -> bool {
        fn without_comment(text: &str) -> Option<(&str, &str)> {
            let mut words = text.split_whitespace();
            Some((words.next()?, words.next()?))
        }
        without_comment(&self.text).is_some_and(|ours| without_comment(public_key) == Some(ours))
    }
}

/// The outcome of adding a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedKey {
    /// It was added.
    Added(RemoteKey),
    /// It was there already.
    AlreadyThere(RemoteKey),
}

impl AddedKey {
    /// The key, however it came there.
    pub fn key(&self) -> &RemoteKey {
        match self {
            Self::Added(key) | Self::AlreadyThere(key) => key,
        }
    }
}
