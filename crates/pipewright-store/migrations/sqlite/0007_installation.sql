-- Rights of the installation, who somebody is proved to be, and history that outlives names and accounts.

ALTER TABLE users ADD COLUMN may_make_accounts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN may_connect INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN email_proved_at INTEGER; -- null: nobody vouched that the address is this user's
ALTER TABLE users ADD COLUMN seen_at INTEGER;
UPDATE users SET email_proved_at = created_at WHERE is_administrator = 1;

-- The address as it was when it was done; the name may be changed by its bearer.
ALTER TABLE events ADD COLUMN actor_email TEXT;
-- The account as it was called when it was deleted; its history is the installation's from then on.
ALTER TABLE events ADD COLUMN account_name TEXT;
CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX invitations_by_inviter ON invitations (invited_by);

-- One-time links that an administrator hands out: to make a user, or to choose a new password.
CREATE TABLE user_links (
    id                BLOB PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('invite', 'reset')),
    token_hash        BLOB NOT NULL UNIQUE,
    user_id           BLOB REFERENCES users (id) ON DELETE CASCADE, -- null for a user that is still to be made
    email             TEXT NOT NULL, -- lower case
    is_administrator  INTEGER NOT NULL,
    may_make_accounts INTEGER NOT NULL,
    may_connect       INTEGER NOT NULL,
    made_by           BLOB REFERENCES users (id) ON DELETE CASCADE, -- null: a command on the machine
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    used_at           INTEGER
) STRICT;
CREATE INDEX user_links_by_user ON user_links (user_id);
CREATE INDEX user_links_by_maker ON user_links (made_by);

-- Browsers that somebody signed in with before: strangers cannot lock those out.
CREATE TABLE known_browsers (
    token_hash BLOB NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (token_hash, user_id)
) STRICT;
CREATE INDEX known_browsers_by_user ON known_browsers (user_id);

-- Where the server itself may connect to, beside Bitbucket Cloud.
CREATE TABLE outgoing_addresses (
    pattern  TEXT PRIMARY KEY,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;
INSERT INTO outgoing_addresses (pattern, added_by, added_at) VALUES ('public', 'Pipewright', 0), ('private', 'Pipewright', 0), ('loopback', 'Pipewright', 0);
