-- What an account's step tokens are signed with: of each algorithm one after the other. A key is published from when it is made
-- until the last token that it signed has expired; it signs from a while after it was published until the next one does.
CREATE TABLE oidc_keys (
    id                 BLOB PRIMARY KEY,
    account_id         BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    algorithm          TEXT NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    number             INTEGER NOT NULL, -- 1, 2, 3… of an account and algorithm
    key_id             TEXT NOT NULL, -- what tokens name it by
    public_jwk         TEXT NOT NULL,
    private_key_sealed BLOB NOT NULL, -- PKCS #8 in base64
    made_at            INTEGER NOT NULL,
    signs_from         INTEGER NOT NULL,
    published_until    INTEGER -- null: no later one was made
) STRICT;
CREATE UNIQUE INDEX oidc_keys_in_order ON oidc_keys (account_id, algorithm, number);

-- With which algorithm an account's tokens are signed, where somebody chose.
CREATE TABLE oidc_settings (
    account_id BLOB PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    algorithm  TEXT NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    changed_at INTEGER NOT NULL
) STRICT;
