//! **Check now**: the key by a handshake, the credential by asking who we are, and the permissions that go with it.

use pipewright_core::ids::IntegrationId;

use crate::access::IntegrationUnavailable;
use crate::access::bitbucket_for;
use crate::access::check_key;
use crate::access::note_revoked;
use crate::app::App;

/// What a check found, as sentences.
#[derive(Debug)]
pub(crate) struct Report {
    /// True where nothing is left to do.
    pub(crate) good: bool,
    /// What was found.
    pub(crate) sentence: String,
}

/// Checks key and credential now, side by side.
pub(crate) async fn check_now(
    app: &App,
    id: IntegrationId,
) -> Result<Report, IntegrationUnavailable> {
    let (key, access) = tokio::join!(check_key(app, id), access(app, id));
    let key = key?;
    let (key_good, key_sentence) = match key.message {
        None => (true, "Bitbucket accepts this key.".to_owned()),
        Some(message) => (false, message),
    };
    let (access_good, access_sentence) = access?;
    Ok(Report {
        good: key_good && access_good,
        sentence: format!("{key_sentence} {access_sentence}"),
    })
}

/// Asks Bitbucket who we are.
async fn access(app: &App, id: IntegrationId) -> Result<(bool, String), IntegrationUnavailable> {
    let bitbucket = match bitbucket_for(app, id).await {
        Ok(bitbucket) => bitbucket,
        Err(IntegrationUnavailable::Reconnect(reason) | IntegrationUnavailable::Later(reason)) => {
            return Ok((false, format!("Its API cannot be used: {reason}.")));
        }
        Err(error) => return Err(error),
    };
    match bitbucket.current_user().await {
        Ok(user) => Ok((
            true,
            format!("Its API recognizes us as {}.", user.display_name),
        )),
        Err(error) if error.is_unauthorized() => {
            let revoked = note_revoked(app, id).await?;
            let sentence = if revoked {
                "Access was revoked at Bitbucket: reconnect.".to_owned()
            } else {
                "Its API works again.".to_owned()
            };
            Ok((!revoked, sentence))
        }
        Err(error) => Ok((
            false,
            format!("Its API did not respond as expected: {error}."),
        )),
    }
}
