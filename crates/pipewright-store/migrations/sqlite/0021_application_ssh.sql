-- What an application's steps sign in to other hosts with: one key, whose private half is sealed.
CREATE TABLE application_keys (
    application_id     BLOB PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
    account_id         BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    public_line        TEXT NOT NULL, -- as in authorized_keys
    fingerprint        TEXT NOT NULL,
    private_key_sealed BLOB NOT NULL,
    changed_by         TEXT NOT NULL,
    changed_at         INTEGER NOT NULL
) STRICT;

-- The hosts that those steps know, a key of each kind once.
CREATE TABLE known_hosts (
    id             BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    account_id     BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    host           TEXT NOT NULL, -- as the first word of a line of known_hosts
    kind           TEXT NOT NULL, -- ssh-ed25519
    public_key     TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    changed_by     TEXT NOT NULL,
    changed_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX known_hosts_of_application ON known_hosts (application_id, host, kind);
