//! The key: made here, or taken from a person, and sealed; one an application.

use pipewright_core::{Right, Secret};
use pipewright_git::ssh::SshKeyPair;
use pipewright_store::application_ssh::{self, ApplicationKey};
use pipewright_store::applications::Application;
use pipewright_store::sealed::purpose;
use serde_json::json;

use super::error::SetError;
use crate::app::App;
use crate::ground::Actor;

/// The longest private key, in bytes: RSA with 16,384 bits has 13 KiB.
const LONGEST_KEY: usize = 32 * 1024;

/// Makes a key in place of the one that is there, and answers its fingerprint.
pub(crate) async fn generate(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let comment = format!("pipewright: {}", application.name);
    let pair =
        SshKeyPair::generate(&comment).map_err(|error| SetError::Refused(error.to_string()))?;
    store(app, actor, application, pair, "made here").await
}

/// Takes a private key in place of the one that is there, and answers its fingerprint.
pub(crate) async fn set(
    app: &App,
    actor: &Actor,
    application: &Application,
    text: &str,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let pair = read(text).map_err(SetError::Refused)?;
    store(app, actor, application, pair, "pasted").await
}

/// Removes the key and answers its fingerprint.
pub(crate) async fn remove(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let mut tx = app.db.begin().await?;
    let fingerprint = application_ssh::remove_key(&mut tx, actor.account, application.id)
        .await?
        .ok_or(SetError::NoSuchKey)?;
    let detail = json!({ "for": application.name });
    actor
        .record(&mut tx, "ssh_key.removed", &fingerprint, detail)
        .await?;
    tx.commit().await?;
    Ok(fingerprint)
}

async fn store(
    app: &App,
    actor: &Actor,
    application: &Application,
    pair: SshKeyPair,
    how: &str,
) -> Result<String, SetError> {
    let key = ApplicationKey {
        public_line: pair.public_line,
        fingerprint: pair.fingerprint,
        private_key: app
            .vault
            .seal(&pair.private_key, &purpose::application_key(application.id)),
        changed_by: actor.name.clone(),
        changed_at: actor.at,
    };
    let mut tx = app.db.begin().await?;
    application_ssh::set_key(&mut tx, actor.account, application.id, &key).await?;
    let detail = json!({ "for": application.name, "how": how });
    actor
        .record(&mut tx, "ssh_key.set", &key.fingerprint, detail)
        .await?;
    tx.commit().await?;
    Ok(key.fingerprint)
}

/// The key in a text that a person pasted, or a sentence that says what is wrong with it.
fn read(text: &str) -> Result<SshKeyPair, String> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return Err("Paste the private key, from its first line to its last.".to_owned());
    }
    if text.len() > LONGEST_KEY {
        return Err("This is too long for a private key; paste the key alone.".to_owned());
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        return Err(
            "This is a public key. Paste the private one: the file without .pub.".to_owned(),
        );
    }
    if text.contains("ENCRYPTED") {
        return Err(WITH_PASSPHRASE.to_owned());
    }
    if !text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return Err("This is not a private key in OpenSSH's own form, which begins with -----BEGIN OPENSSH PRIVATE KEY-----. Convert the file with ssh-keygen -p -N '' -f FILE.".to_owned());
    }
    SshKeyPair::read(&Secret::new(format!("{text}\n"))).map_err(|error| {
        if error.detail.contains("passphrase") {
            WITH_PASSPHRASE.to_owned()
        } else {
            format!(
                "The private key cannot be read ({}); paste all of it, from its first line to its last.",
                error.detail
            )
        }
    })
}

const WITH_PASSPHRASE: &str = "This key has a passphrase, which nobody could type in a build. Remove it with ssh-keygen -p -N '' -f FILE, or use another key.";

#[cfg(test)]
mod tests {
    use pipewright_git::ssh::SshKeyPair;

    use super::read;

    #[test]
    fn a_key_is_taken_as_browsers_send_it() {
        let pair = SshKeyPair::generate("shop").expect("a key");
        let pasted = format!("  {}\r\n", pair.private_key.expose().replace('\n', "\r\n"));
        let taken = read(&pasted).expect("a key");
        assert_eq!(taken.fingerprint, pair.fingerprint);
        assert_eq!(taken.private_key.expose(), pair.private_key.expose());
    }

    #[test]
    fn what_is_no_private_key_is_told_apart() {
        let pair = SshKeyPair::generate("shop").expect("a key");
        let cut = pair.private_key.expose().replace("-----END", "");
        for (text, expected) in [
            ("", "Paste the private key"),
            (pair.public_line.as_str(), "public key"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA",
                "OpenSSH's own form",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
                "passphrase",
            ),
            (cut.as_str(), "cannot be read"),
        ] {
            let sentence = read(text).expect_err("refused");
            assert!(sentence.contains(expected), "{text}: {sentence}");
            assert!(!sentence.contains("AAAA"), "{sentence}");
        }
    }
}
