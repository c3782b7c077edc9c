//! What a client asks for in a session: a git service on a repository, or something else.

use crate::git::http::GitService;

/// A command line as git sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SshCommand {
    /// `git-upload-pack '/space/slug.git'` and its like.
    Git {
        /// Fetch or push.
        service: GitService,
        /// Key of the space.
        space: String,
        /// Slug of the repository.
        slug: String,
    },
    /// Anything else.
    Other(
        /// As sent.
        String,
    ),
}

impl SshCommand {
    pub(super) fn parse(line: &str) -> Self {
        Self::parse_git(line).unwrap_or_else(|| Self::Other(line.trim().to_owned()))
    }

    fn parse_git(line: &str) -> Option<Self> {
        let line = line.trim();
        let line = line
            .strip_prefix("git ")
            .map_or_else(|| line.to_owned(), |rest| format!("git-{rest}"));
        let (program, argument) = line.split_once(' ')?;
        let service = match program {
            "git-upload-pack" => GitService::UploadPack,
            "git-receive-pack" => GitService::ReceivePack,
            _ => return None,
        };
        let path = unquote(argument.trim())?;
        let path = path.trim_start_matches('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (space, slug) = path.split_once('/')?;
        (!slug.is_empty() && !slug.contains('/')).then(|| Self::Git {
            service,
            space: space.to_owned(),
            slug: slug.to_owned(),
        })
    }
}

/// Undoes git's shell quoting: `'…'` with `'\''` and `'\!'` inside, or a bare word.
fn unquote(text: &str) -> Option<String> {
    if !text.starts_with('\'') {
        return (!text.contains(['\'', '\\', ' '])).then(|| text.to_owned());
    }
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let plain = inner.replace("'\\''", "\u{0}").replace("'\\!'", "!");
    (!plain.contains('\'')).then(|| plain.replace('\u{0}', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_own_quoting_is_understood() {
        let expected = SshCommand::Git {
            service: GitService::UploadPack,
            space: "harbor".to_owned(),
            slug: "checkout-api".to_owned(),
        };
        for line in [
            "git-upload-pack '/harbor/checkout-api.git'",
            "git-upload-pack 'harbor/checkout-api'",
            "git upload-pack /harbor/checkout-api.git/",
        ] {
            assert_eq!(SshCommand::parse(line), expected, "{line}");
        }
        let personal = SshCommand::parse("git-receive-pack '/~mara/notes.git'");
        assert_eq!(
            personal,
            SshCommand::Git {
                service: GitService::ReceivePack,
                space: "~mara".to_owned(),
                slug: "notes".to_owned()
            }
        );
    }

    #[test]
    fn other_commands_are_not_git() {
        for line in [
            "ls -l",
            "git-upload-pack '/a.git'",
            "git-upload-pack '/a/b/c.git'",
            "git-upload-archive '/a/b.git'",
            "host_key_info",
        ] {
            assert!(
                matches!(SshCommand::parse(line), SshCommand::Other(_)),
                "{line}"
            );
        }
    }
}
