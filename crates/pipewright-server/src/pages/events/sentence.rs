//! What a line of history says, as a sentence for people. Every action that is ever recorded stands in the table
//! of actions and has its words here: a test looks through the source.

use std::borrow::Cow;

use pipewright_core::Timestamp;
use pipewright_store::events::Event;
use serde_json::Value;

use crate::web::format::count;

/// The details of an event, read as what they should be.
struct Detail<'a>(&'a Value);

impl Detail<'_> {
    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match &self.0[name] {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.0[name].as_bool().unwrap_or(false)
    }

    fn number(&self, name: &str) -> usize {
        self.0[name]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0)
    }

    /// `before` + the text + `after`; nothing where there is none.
    fn part(&self, name: &str, before: &str, after: &str) -> String {
        self.text(name)
            .map_or_else(String::new, |text| format!("{before}{text}{after}"))
    }

    /// How many minutes it was until this moment, begun ones counted. The page tells the moment of the event itself in the
    /// reader's own time, which a sentence cannot.
    fn minutes_until(&self, name: &str, at: Timestamp) -> Option<usize> {
        let until: jiff::Timestamp = self.0[name].as_str()?.parse().ok()?;
        let wait = Timestamp::from_micros(until.as_microsecond()).since(at);
        usize::try_from(wait.as_secs().div_ceil(60)).ok()
    }

    /// "3 sessions and 1 invitation ended".
    fn ended(&self, nouns: &[(&str, &str)]) -> String {
        let parts: Vec<String> = nouns
            .iter()
            .filter(|(name, _)| self.number(name) > 0)
            .map(|(name, noun)| count(self.number(name), noun))
            .collect();
        if parts.is_empty() {
            return String::new();
        }
        format!("; {} ended", list(&parts))
    }
}

/// "a", "a and b", "a, b and c".
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What happened, without who did it: "disabled ivo@harbor.example; 3 sessions ended".
pub(crate) fn sentence(event: &Event) -> String {
    let of = event.subject.as_str();
    let detail = Detail(&event.detail);
    let account = event
        .account_name
        .as_ref()
        .map_or_else(String::new, |name| format!(" (in {name}, since deleted)"));
    let said = match event.action.split_once('.') {
        Some(("user", verb)) => user(verb, of, &detail, event.at),
        Some(("account" | "installation" | "bitbucket_consumer", _)) => {
            installation(&event.action, of, &detail)
        }
        Some(("member" | "invitation", _)) => member(&event.action, of, &detail),
        Some(("integration" | "webhook", _)) => integration(&event.action, of, &detail),
        Some((_, _)) => work(&event.action, of, &detail),
        None => None,
    };
    let said = said.unwrap_or_else(|| {
        // Written by another version: its words are better than none.
        format!("{} {of}", event.action.replace(['.', '_'], " "))
    });
    format!("{said}{account}")
}

fn user(verb: &str, of: &str, detail: &Detail<'_>, at: Timestamp) -> Option<String> {
    Some(match verb {
        "address_confirmed" => format!("confirmed that the address {of} is its user's"),
        "address_released" => format!(
            "took the address {of} from a user who was never confirmed to have it{}",
            detail.part("now", "; that user is called ", " now")
        ),
        "disabled" => format!(
            "disabled {of}{}",
            detail.ended(&[
                ("sessions", "session"),
                ("invitations", "invitation"),
                ("links", "link")
            ])
        ),
        "enabled" => format!("enabled {of}"),
        "invited" => {
            let mut rights = Vec::new();
            if detail.is("administrator") {
                rights.push("as an administrator".to_owned());
            }
            if detail.is("may_make_accounts") {
                rights.push("who may make accounts".to_owned());
            }
            if detail.is("may_connect") {
                rights.push("who may connect a Bitbucket".to_owned());
            }
            let rights = list(&rights);
            format!(
                "invited {of}{}{rights}",
                if rights.is_empty() { "" } else { " " }
            )
        }
        "joined" => format!(
            "made the user {of}{}",
            detail.part("invited_by", ", invited by ", "")
        ),
        "made_administrator" => format!("made {of} an administrator of the installation"),
        "no_longer_administrator" => format!("made {of} an ordinary user"),
        "password_changed" => format!(
            "changed the password{}",
            detail.ended(&[("sessions_ended", "other session")])
        ),
        "password_reset" => format!("chose a new password for {of} by a one-time link"),
        "renamed" => format!(
            "changed the name of {of}{}",
            detail.part("name", " to ", "")
        ),
        "reset_link_made" => format!("made a one-time link for a new password of {of}"),
        "rights_changed" => {
            let may = |name| if detail.is(name) { "may" } else { "may not" };
            format!(
                "changed what {of} may do: {} make accounts, {} connect a Bitbucket",
                may("may_make_accounts"),
                may("may_connect")
            )
        }
        "session_ended" => format!("ended a session of {of}"),
        "sessions_ended" => format!(
            "ended {} of {of}",
            count(detail.number("sessions_ended"), "session")
        ),
        "sign_in_refused" => {
            let reason =
                match detail.text("reason").as_deref() {
                    Some("wrong_password") => "wrong address or password".to_owned(),
                    Some("disabled") => "right password, but the user is disabled".to_owned(),
                    Some("locked") => format!(
                        "too many attempts{}",
                        detail.minutes_until("until", at).map_or_else(
                            String::new,
                            |minutes| format!(", locked for {}", count(minutes, "minute"))
                        )
                    ),
                    _ => "too many people were signing in".to_owned(),
                };
            let times = match detail.number("attempts") {
                0 | 1 => String::new(),
                number => format!(", {}", count(number, "attempt")),
            };
            format!("was refused to sign in as {of}: {reason}{times}")
        }
        "signed_in" => "signed in".to_owned(),
        "signed_out" => "signed out".to_owned(),
        _ => return None,
    })
}

fn installation(action: &str, of: &str, detail: &Detail<'_>) -> Option<String> {
    Some(match action {
        "account.created" => format!("made the account {of}{}", detail.part("slug", " (", ")")),
        "account.deleted" => format!(
            "deleted the account {of}, with {} and {}{}",
            count(detail.number("applications"), "application"),
            count(detail.number("members"), "member"),
            detail.part("left_at_bitbucket", "; still at Bitbucket: ", "")
        ),
        "account.given" => format!("made {} an owner of the account {of}", detail.text("to")?),
        "account.renamed" => format!(
            "renamed the account {of}{}{}",
            detail.part("name", " to ", ""),
            detail.part("slug", " with the short name ", "")
        ),
        "installation.address_allowed" => format!("allowed outgoing connections to {of}"),
        "installation.address_removed" => {
            format!("no longer allows outgoing connections to {of}")
        }
        "installation.rules_changed" => format!(
            "changed {of}{}{}",
            detail.part("before", " from ", ""),
            detail.part("now", " to ", "")
        ),
        "installation.set_up" => "set up the installation and became its administrator".to_owned(),
        "bitbucket_consumer.set" => format!("stored the OAuth consumer {of} of Bitbucket Cloud"),
        _ => return None,
    })
}

fn member(action: &str, of: &str, detail: &Detail<'_>) -> Option<String> {
    Some(match action {
        "invitation.withdrawn" => format!("withdrew the invitation of {of}"),
        "member.invited" => format!("invited {of}{}", detail.part("role", " as ", "")),
        "member.joined" => format!(
            "joined{}{}",
            detail.part("role", " as ", ""),
            detail.part("invited_by", ", invited by ", "")
        ),
        "member.left" => format!("left{}", detail.part("role", ", after having been ", "")),
        "member.removed" => format!(
            "removed {of}{}{}",
            detail.part("role", ", who was ", ""),
            detail.ended(&[("invitations", "invitation")])
        ),
        "member.role_changed" => format!(
            "made {of} {}{}",
            detail.text("role")?,
            detail.part("before", ", who was ", "")
        ),
        _ => return None,
    })
}

fn integration(action: &str, of: &str, detail: &Detail<'_>) -> Option<String> {
    Some(match action {
        "integration.clone_via" => {
            format!("made builds clone from {of} over {}", detail.text("via")?)
        }
        "integration.connected" => format!("connected {of}{}", detail.part("user", " as ", "")),
        "integration.disconnected" => format!(
            "disconnected {of}{}",
            detail.part("left_at_bitbucket", "; still there: ", "")
        ),
        "integration.host_key_trusted" => format!(
            "trusted the new host key of {of}{}{}",
            detail.part("now", ", ", ""),
            detail.part("before", ", in place of ", "")
        ),
        "integration.key_registered" => format!(
            "put the SSH key on the Bitbucket account at {of}{}",
            detail.part("outcome", ": ", "")
        ),
        "integration.reconnected" => {
            format!("connected {of} again{}", detail.part("user", " as ", ""))
        }
        "integration.revoked" => format!(
            "noticed that {of} no longer accepts our access{}",
            detail.part("reason", ": ", "")
        ),
        "webhook.repaired" => format!(
            "repaired the webhook of {of}{}",
            detail.part("state", "; it is ", " now")
        ),
        _ => return None,
    })
}

fn work(action: &str, of: &str, detail: &Detail<'_>) -> Option<String> {
    let schedule = |verb: &str| {
        format!(
            "{verb} a schedule of {of}: {}{}{}",
            detail.text("pipeline").unwrap_or_default(),
            detail.part("branch", " on ", ""),
            detail.part("cron", " at “", "”")
        )
    };
    let commit = || detail.part("commit", " of ", "");
    Some(match action {
        "application.caches_cleared" => {
            let number = detail.number("caches");
            let plural = if number == 1 { "" } else { "s" };
            format!("cleared {number} cache{plural} of {of}")
        }
        "application.created" => format!(
            "made the application {of}{}{}",
            detail.part("repository", " of ", ""),
            if detail.is("auto_build") {
                ", built automatically"
            } else {
                ""
            }
        ),
        "application.deleted" => format!(
            "deleted the application {of}{}",
            detail.part("left_at_bitbucket", "; still at Bitbucket: ", "")
        ),
        "application.key_registered" => format!(
            "put the SSH key on the repository of {of}{}",
            detail.part("outcome", ": ", "")
        ),
        "application.renamed" => {
            format!(
                "renamed the application {of}{}",
                detail.part("name", " to ", "")
            )
        }
        "application.rules_changed" if !detail.is("auto_build") => {
            format!("switched auto-build of {of} off")
        }
        "application.rules_changed" => {
            let built: Vec<String> = [
                ("pushes", "pushes"),
                ("pull_requests", "pull requests"),
                ("tags", "tags"),
            ]
            .iter()
            .filter(|(name, _)| detail.is(name))
            .map(|(_, noun)| (*noun).to_owned())
            .collect();
            format!(
                "set what builds {of}: {}{}",
                if built.is_empty() {
                    "nothing".to_owned()
                } else {
                    list(&built)
                },
                detail.part("branches", " of ", "")
            )
        }
        "build.rerun" => format!("ran {of}{} again", commit()),
        "build.resumed" => format!("continued {of}{}", commit()),
        "build.started" => format!(
            "started {of}{}{}{}{}",
            detail.part("branch", " on ", ""),
            detail.part("pipeline", ", pipeline ", ""),
            detail.part("schedule", ", as the schedule “", "” does"),
            detail.part("variables", ", with ", "")
        ),
        "build.stopped" => format!("stopped {of}{}", commit()),
        "delivery.redelivered" => format!("had the delivery {of} processed again"),
        "retention.changed" => {
            let kept: Vec<String> = [
                ("builds_days", "builds for ", " days"),
                ("builds_per_ref", "the newest ", " builds of a branch"),
                ("logs_days", "logs for ", " days"),
                ("bodies_days", "bodies of deliveries for ", " days"),
                ("statuses_days", "sent statuses for ", " days"),
            ]
            .iter()
            .map(|(name, before, after)| detail.part(name, before, after))
            .filter(|part| !part.is_empty())
            .collect();
            if kept.is_empty() {
                "keeps everything as long as the installation does".to_owned()
            } else {
                format!("changed how long things are kept: {}", list(&kept))
            }
        }
        "schedule.changed" => schedule("changed"),
        "schedule.created" => schedule("made"),
        "schedule.deleted" => schedule("deleted"),
        "schedule.switched_off" => schedule("switched off"),
        "schedule.switched_on" => schedule("switched on"),
        "known_host.added" => format!(
            "added the known host {of}{}{}",
            detail.part("for", " for ", ""),
            detail.part("fingerprint", " with ", "")
        ),
        "known_host.removed" => format!(
            "removed the known host {of}{}{}",
            detail.part("for", " for ", ""),
            detail.part("fingerprint", " with ", "")
        ),
        "oidc.algorithm_chosen" => format!("has step tokens signed with {of}"),
        "oidc.keys_rotated" => if detail.is("at_once") {
            "replaced the keys of step tokens at once"
        } else {
            "had new keys of step tokens follow the present ones"
        }
        .to_owned(),
        "ssh_key.removed" => format!(
            "removed the SSH key {of}{}",
            detail.part("for", " for ", "")
        ),
        "ssh_key.set" => format!(
            "set the SSH key {of}{}{}",
            detail.part("for", " for ", ""),
            detail.part("how", ", ", "")
        ),
        "variable.removed" => {
            format!(
                "removed the variable {of}{}",
                detail.part("for", " for ", "")
            )
        }
        "variable.set" => format!(
            "set the {}variable {of}{}",
            if detail.is("secured") { "secured " } else { "" },
            detail.part("for", " for ", "")
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::EventId;
    use pipewright_store::events::Event;
    use serde_json::{Value, json};

    use super::super::actions::ACTIONS;
    use super::sentence;

    fn event(action: &str, subject: &str, detail: Value) -> Event {
        Event {
            id: EventId::new(),
            user_id: None,
            actor: "Mara".to_owned(),
            actor_email: None,
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
            address: None,
            account_name: None,
            at: Timestamp::from_seconds(1),
        }
    }

    /// Words between quotes in the source that look like an action of a known noun.
    fn recorded(directory: &Path, found: &mut BTreeSet<String>) {
        let nouns: BTreeSet<&str> = ACTIONS
            .iter()
            .filter_map(|(action, _)| action.split_once('.'))
            .map(|(noun, _)| noun)
            .collect();
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                recorded(&path, found);
                continue;
            }
            let is_source = path.extension().is_some_and(|end| end == "rs");
            if !is_source || path.ends_with("events/sentence.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("source");
            // What stands shortly behind an act of writing history, whatever its noun; and words of known nouns anywhere,
            // because some are chosen before.
            let behind = text
                .match_indices("record(")
                .chain(text.match_indices("action: "))
                .flat_map(|(at, _)| {
                    let near: String = text[at..].chars().take(120).collect();
                    near.split('"')
                        .skip(1)
                        .step_by(2)
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                });
            let anywhere = text
                .split('"')
                .filter(|word| {
                    word.split_once('.')
                        .is_some_and(|(noun, _)| nouns.contains(noun))
                })
                // Names of settings look alike.
                .filter(|word| {
                    !["installation.accounts", "installation.connections"].contains(word)
                })
                .map(str::to_owned);
            found.extend(behind.chain(anywhere).filter(|word| is_action(word)));
        }
    }

    fn is_action(word: &str) -> bool {
        let is_word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        word.split_once('.')
            .is_some_and(|(noun, verb)| is_word(noun) && is_word(verb))
    }

    #[test]
    fn every_action_that_is_recorded_has_its_words() {
        let mut found = BTreeSet::new();
        recorded(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        let known: BTreeSet<String> = ACTIONS
            .iter()
            .map(|(action, _)| (*action).to_owned())
            .collect();
        let unknown: Vec<_> = found.difference(&known).collect();
        assert!(unknown.is_empty(), "without words: {unknown:?}");
        for (action, _) in ACTIONS {
            let said = sentence(&event(
                action,
                "SUBJECT",
                json!({ "role": "admin", "to": "x", "via": "https" }),
            ));
            assert_ne!(
                said,
                format!("{} SUBJECT", action.replace(['.', '_'], " ")),
                "{action} has a sentence of its own"
            );
        }
    }

    #[test]
    fn sentences_are_made_of_their_numbers() {
        for (action, detail, expected) in [
            (
                "user.disabled",
                json!({ "sessions": 3, "invitations": 1, "links": 0 }),
                "disabled X; 3 sessions and 1 invitation ended",
            ),
            ("user.disabled", json!({}), "disabled X"),
            (
                "user.sign_in_refused",
                json!({ "reason": "locked", "until": "1970-01-01T00:02:00Z", "attempts": 10 }),
                "was refused to sign in as X: too many attempts, locked for 2 minutes, 10 attempts",
            ),
            (
                "application.rules_changed",
                json!({ "auto_build": true, "pushes": true, "tags": true, "branches": "main, dev" }),
                "set what builds X: pushes and tags of main, dev",
            ),
            (
                "application.caches_cleared",
                json!({ "caches": 1 }),
                "cleared 1 cache of X",
            ),
        ] {
            assert_eq!(sentence(&event(action, "X", detail)), expected);
        }
        let other = event("future.thing_done", "X", json!({}));
        assert_eq!(sentence(&other), "future thing done X");
    }
}
