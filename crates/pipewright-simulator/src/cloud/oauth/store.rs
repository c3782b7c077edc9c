//! Consumers, codes, grants and tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::scopes::closure;
use crate::random;
use crate::state::{SpaceId, UserId};

/// A code is good for this long.
const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// A used refresh token is still taken for this long.
const REFRESH_GRACE: Duration = Duration::from_mins(10);
/// An unused refresh token dies after three months.
const REFRESH_IDLE: Duration = Duration::from_hours(24 * 90);

/// Which token answers the token endpoint gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenGeneration {
    /// Since May 2026: field `scope`, one hour, tokens of about 2,000 characters.
    #[default]
    Current,
    /// Before: field `scopes`, two hours, tokens of 88 characters.
    Older,
}

impl TokenGeneration {
    /// How long an access token lives.
    pub(super) fn lifetime(self) -> Duration {
        match self {
            Self::Current => Duration::from_hours(1),
            Self::Older => Duration::from_hours(2),
        }
    }

    fn token(self) -> String {
        match self {
            Self::Current => format!("eyJ{}", random::text(1990)),
            Self::Older => random::text(88),
        }
    }
}

/// An OAuth consumer.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct Consumer {
    pub(in crate::cloud) key: String,
    pub(in crate::cloud) secret: String,
    pub(in crate::cloud) workspace: SpaceId,
    pub(in crate::cloud) name: String,
    pub(in crate::cloud) callback_url: String,
    pub(in crate::cloud) scopes: Vec<String>,
    /// Whether it may use client credentials.
    pub(in crate::cloud) private: bool,
    pub(in crate::cloud) generation: TokenGeneration,
    /// The user that client credentials act as.
    pub(in crate::cloud) app_user: Option<UserId>,
}

/// What is filled in to make a consumer.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct NewConsumer {
    pub(in crate::cloud) workspace: SpaceId,
    pub(in crate::cloud) name: String,
    pub(in crate::cloud) callback_url: String,
    pub(in crate::cloud) scopes: Vec<String>,
    pub(in crate::cloud) private: bool,
}

/// A code on its way to the token endpoint.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) consumer: String,
    pub(super) user: UserId,
    pub(super) scopes: Vec<String>,
    /// As sent with the authorization request; must be repeated word for word.
    pub(super) redirect_uri: Option<String>,
    /// PKCE: base64url of the SHA-256 of the verifier.
    pub(super) challenge: Option<String>,
    expires_at: Timestamp,
}

/// A live access token.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct AccessGrant {
    pub(in crate::cloud) user: UserId,
    consumer: String,
    pub(in crate::cloud) scopes: Vec<String>,
    expires_at: Timestamp,
}

#[derive(Debug, Clone)]
struct RefreshGrant {
    user: UserId,
    consumer: String,
    scopes: Vec<String>,
    issued_at: Timestamp,
    used_at: Option<Timestamp>,
}

/// What an access token is worth.
#[derive(Debug)]
pub(in crate::cloud) enum TokenState {
    Live(AccessGrant),
    Expired,
    Unknown,
}

/// A new pair of tokens.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) generation: TokenGeneration,
}

/// Everything OAuth remembers.
#[derive(Debug, Default)]
pub(in crate::cloud) struct OauthStore {
    consumers: BTreeMap<String, Consumer>,
    codes: HashMap<String, Code>,
    access: HashMap<String, AccessGrant>,
    refresh: HashMap<String, RefreshGrant>,
    /// Who has granted what to which consumer.
    grants: BTreeMap<(UserId, String), BTreeSet<String>>,
    sessions: HashMap<String, UserId>,
    generation: TokenGeneration,
}

impl OauthStore {
    /// Decides which generation consumers made from now on belong to.
    pub(in crate::cloud) fn set_generation(&mut self, generation: TokenGeneration) {
        self.generation = generation;
    }

    pub(in crate::cloud) fn add_consumer(&mut self, new: NewConsumer) -> Consumer {
        let (key, secret) = match self.generation {
            TokenGeneration::Current => (random::text(32), random::text(76)),
            TokenGeneration::Older => (random::text(18), random::text(32)),
        };
        let consumer = Consumer {
            key: key.clone(),
            secret,
            workspace: new.workspace,
            name: new.name,
            callback_url: new.callback_url,
            scopes: new.scopes,
            private: new.private,
            generation: self.generation,
            app_user: None,
        };
        self.consumers.insert(key, consumer.clone());
        consumer
    }

    pub(in crate::cloud) fn consumer(&self, key: &str) -> Option<&Consumer> {
        self.consumers.get(key)
    }

    pub(in crate::cloud) fn consumer_mut(&mut self, key: &str) -> Option<&mut Consumer> {
        self.consumers.get_mut(key)
    }

    pub(in crate::cloud) fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.consumers.values()
    }

    /// Deletes a consumer and with it everything it was granted.
    pub(in crate::cloud) fn remove_consumer(&mut self, key: &str) -> bool {
        self.codes.retain(|_, code| code.consumer != key);
        self.access.retain(|_, grant| grant.consumer != key);
        self.refresh.retain(|_, grant| grant.consumer != key);
        self.grants.retain(|(_, consumer), _| consumer != key);
        self.consumers.remove(key).is_some()
    }

    /// What a user has granted, as consumer and scopes.
    pub(in crate::cloud) fn grants_of(&self, user: UserId) -> Vec<(&Consumer, &BTreeSet<String>)> {
        let of_user = self
            .grants
            .iter()
            .filter(|((granter, _), _)| *granter == user);
        of_user
            .filter_map(|((_, key), scopes)| {
                self.consumers.get(key).map(|consumer| (consumer, scopes))
            })
            .collect()
    }

    /// Takes a grant back: its tokens stop working at once. Says whether there was one.
    pub(in crate::cloud) fn revoke_grant(&mut self, user: UserId, consumer: &str) -> bool {
        let is_it = |holder: UserId, key: &str| holder == user && key == consumer;
        self.codes
            .retain(|_, code| !is_it(code.user, &code.consumer));
        self.access
            .retain(|_, grant| !is_it(grant.user, &grant.consumer));
        self.refresh
            .retain(|_, grant| !is_it(grant.user, &grant.consumer));
        self.grants.remove(&(user, consumer.to_owned())).is_some()
    }

    /// Records a yes and makes a code.
    pub(super) fn grant(
        &mut self,
        consumer: &str,
        user: UserId,
        scopes: Vec<String>,
        redirect_uri: Option<String>,
        challenge: Option<String>,
        now: Timestamp,
    ) -> String {
        self.grants
            .entry((user, consumer.to_owned()))
            .or_default()
            .extend(scopes.iter().cloned());
        let code = random::text(20);
        let expires_at = later(now, CODE_LIFETIME);
        self.codes.insert(
            code.clone(),
            Code {
                consumer: consumer.to_owned(),
                user,
                scopes,
                redirect_uri,
                challenge,
                expires_at,
            },
        );
        code
    }

    /// Takes a code out: whatever the answer, it is used up. `None` when it is unknown, another consumer's, or too old.
    pub(super) fn take_code(&mut self, code: &str, consumer: &str, now: Timestamp) -> Option<Code> {
        self.codes
            .remove(code)
            .filter(|code| code.consumer == consumer && now < code.expires_at)
    }

    /// Makes a pair of tokens for a code.
    pub(super) fn issue(
        &mut self,
        consumer: &Consumer,
        user: UserId,
        scopes: Vec<String>,
        refreshable: bool,
        now: Timestamp,
    ) -> Issued {
        let generation = consumer.generation;
        let access = generation.token();
        let grant = AccessGrant {
            user,
            consumer: consumer.key.clone(),
            scopes: scopes.clone(),
            expires_at: later(now, generation.lifetime()),
        };
        self.access.insert(access.clone(), grant);
        let refresh = refreshable.then(|| {
            let token = generation.token();
            let grant = RefreshGrant {
                user,
                consumer: consumer.key.clone(),
                scopes: scopes.clone(),
                issued_at: now,
                used_at: None,
            };
            self.refresh.insert(token.clone(), grant);
            token
        });
        Issued {
            access,
            refresh,
            scopes,
            generation,
        }
    }

    /// Exchanges a refresh token for a new pair. The old one is taken again only during the grace.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        consumer: &Consumer,
        now: Timestamp,
    ) -> Option<Issued> {
        let grant = self
            .refresh
            .get_mut(token)
            .filter(|grant| grant.consumer == consumer.key)?;
        let in_time = match grant.used_at {
            Some(used_at) => now < later(used_at, REFRESH_GRACE),
            None => now < later(grant.issued_at, REFRESH_IDLE),
        };
        if !in_time {
            self.refresh.remove(token);
            return None;
        }
        grant.used_at.get_or_insert(now);
        let (user, scopes) = (grant.user, grant.scopes.clone());
        Some(self.issue(consumer, user, scopes, true, now))
    }

    /// What an access token is worth.
    pub(in crate::cloud) fn access_token(&self, token: &str, now: Timestamp) -> TokenState {
        match self.access.get(token) {
            Some(grant) if now < grant.expires_at => TokenState::Live(grant.clone()),
            Some(_) => TokenState::Expired,
            None => TokenState::Unknown,
        }
    }

    /// Ends whatever a token stands for, if it is this consumer's.
    pub(super) fn revoke_token(&mut self, token: &str, consumer: &str) {
        let user = self
            .access
            .get(token)
            .map(|grant| (grant.user, &grant.consumer));
        let user = user.or_else(|| {
            self.refresh
                .get(token)
                .map(|grant| (grant.user, &grant.consumer))
        });
        if let Some((user, holder)) = user
            && holder == consumer
        {
            self.revoke_grant(user, consumer);
        }
    }

    /// Begins a browser session.
    pub(super) fn sign_in(&mut self, user: UserId) -> String {
        let session = random::text(40);
        self.sessions.insert(session.clone(), user);
        session
    }

    pub(super) fn sign_out(&mut self, session: &str) {
        self.sessions.remove(session);
    }

    pub(in crate::cloud) fn session(&self, session: &str) -> Option<UserId> {
        self.sessions.get(session).copied()
    }
}

impl Consumer {
    /// What an authorization may grant: everything the consumer has, or of that what was asked for by name.
    pub(super) fn narrowed(&self, asked: Option<&str>) -> Vec<String> {
        let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else {
            return self.scopes.clone();
        };
        let most = closure(&self.scopes);
        let mut granted: Vec<String> = Vec::new();
        for scope in asked
            .split_whitespace()
            .filter(|scope| most.contains(*scope))
        {
            if !granted.iter().any(|known| known == scope) {
                granted.push(scope.to_owned());
            }
        }
        granted
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}
