-- The whole first schema. Times are microseconds since the epoch, set by the application. Words in CHECKs are those of
-- pipewright-core. Columns named *_sealed are encrypted with the operator's key. Account ids are repeated on what an
-- account owns, so that the tenant check is part of each query.

CREATE TABLE settings (
    name       TEXT PRIMARY KEY,
    value      BYTEA NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE leases (
    name  TEXT PRIMARY KEY,
    owner UUID NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE users (
    id               UUID PRIMARY KEY,
    email            TEXT NOT NULL UNIQUE, -- lower case
    name             TEXT NOT NULL,
    password_hash    TEXT NOT NULL,
    is_administrator BOOLEAN NOT NULL,
    created_at       BIGINT NOT NULL,
    disabled_at      BIGINT
);

CREATE TABLE sign_in_failures (
    email        TEXT PRIMARY KEY, -- lower case; also of users that do not exist
    failures     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT
);

CREATE TABLE accounts (
    id         UUID PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('personal', 'team')),
    created_at BIGINT NOT NULL
);

CREATE TABLE members (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE invitations (
    id          UUID PRIMARY KEY,
    account_id  UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email       TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    token_hash  BYTEA NOT NULL UNIQUE,
    invited_by  UUID NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    accepted_at BIGINT
);
CREATE INDEX invitations_by_account ON invitations (account_id);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY,
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id UUID REFERENCES accounts (id) ON DELETE SET NULL, -- the current account
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address    TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE events (
    id         UUID PRIMARY KEY,
    account_id UUID REFERENCES accounts (id) ON DELETE CASCADE,
    user_id    UUID REFERENCES users (id) ON DELETE SET NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    detail     JSONB NOT NULL,
    address    TEXT,
    at         BIGINT NOT NULL
);
CREATE INDEX events_by_account ON events (account_id, id);

CREATE TABLE integrations (
    id                     UUID PRIMARY KEY,
    account_id             UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind                   TEXT NOT NULL CHECK (kind IN ('cloud', 'datacenter')),
    base_url               TEXT NOT NULL, -- whole, with context path, without a slash at its end
    state                  TEXT NOT NULL CHECK (state IN ('connected', 'reconnect', 'disconnected')),
    state_reason           TEXT,
    remote_user_id         TEXT NOT NULL,
    remote_user_name       TEXT NOT NULL,
    workspaces             JSONB NOT NULL,
    product_version        TEXT,
    capabilities           JSONB NOT NULL,
    features               JSONB NOT NULL, -- switched on by choice
    clone_via              TEXT NOT NULL CHECK (clone_via IN ('ssh', 'https')),
    ssh_host               TEXT NOT NULL,
    ssh_port               BIGINT NOT NULL,
    ssh_public_key         TEXT NOT NULL,
    ssh_fingerprint        TEXT NOT NULL,
    ssh_private_key_sealed BYTEA, -- null once disconnected
    ssh_key_made_at        BIGINT NOT NULL,
    posted_key_id          TEXT, -- Bitbucket's id of the key we put on the user's account
    known_hosts            TEXT, -- pinned on first contact
    host_key_fingerprint   TEXT,
    host_key_offered       TEXT, -- the fingerprint of a changed host key, until a person accepts it
    host_key_offered_hosts TEXT, -- its known_hosts lines
    key_check              TEXT NOT NULL CHECK (key_check IN ('unknown', 'accepted', 'not_added', 'host_key_changed', 'unreachable')),
    key_check_message      TEXT,
    key_checked_at         BIGINT,
    connected_by           UUID REFERENCES users (id) ON DELETE SET NULL,
    connected_at           BIGINT NOT NULL,
    UNIQUE (account_id, kind, base_url)
);

CREATE TABLE credentials (
    id             UUID PRIMARY KEY,
    integration_id UUID NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    kind           TEXT NOT NULL CHECK (kind IN ('oauth', 'api_token', 'access_token', 'http_access_token', 'basic')),
    secret_sealed  BYTEA NOT NULL, -- JSON of the credential's parts
    scopes         JSONB NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('valid', 'refused')),
    expires_at     BIGINT,
    refreshed_at   BIGINT,
    refresh_owner  UUID, -- one refresh at a time
    refresh_until  BIGINT,
    created_at     BIGINT NOT NULL
);
CREATE INDEX credentials_by_integration ON credentials (integration_id);

CREATE TABLE oauth_flows (
    state_hash      BYTEA PRIMARY KEY,
    account_id      UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_id         UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_hash    BYTEA NOT NULL,
    verifier_sealed BYTEA NOT NULL,
    features        JSONB NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT
);

CREATE TABLE repositories (
    id                UUID PRIMARY KEY,
    integration_id    UUID NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    account_id        UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    remote_id         TEXT NOT NULL, -- UUID on Cloud, number on Data Center
    owner_id          TEXT NOT NULL, -- what never changes of the workspace or project
    owner             TEXT NOT NULL, -- workspace slug or project key
    owner_name        TEXT NOT NULL,
    slug              TEXT NOT NULL,
    name              TEXT NOT NULL,
    full_name         TEXT NOT NULL,
    search_text       TEXT NOT NULL, -- lower case, for search
    is_private        BOOLEAN NOT NULL,
    can_administer    BOOLEAN,
    default_branch    TEXT,
    ssh_url           TEXT,
    http_url          TEXT,
    web_url           TEXT NOT NULL,
    remote_updated_at BIGINT,
    seen_at           BIGINT NOT NULL,
    gone_at           BIGINT,
    access_key_id     TEXT, -- Bitbucket's id of the key we put on the repository
    UNIQUE (integration_id, remote_id)
);
CREATE INDEX repositories_by_account ON repositories (account_id, remote_updated_at);

CREATE TABLE listings (
    integration_id UUID PRIMARY KEY REFERENCES integrations (id) ON DELETE CASCADE,
    state          TEXT NOT NULL CHECK (state IN ('wanted', 'refreshing', 'ready', 'failed')),
    error          TEXT,
    started_at     BIGINT NOT NULL,
    finished_at    BIGINT
);

-- What was last found in a repository, for the wizard and the page of branches: never read while a page waits.
CREATE TABLE inspections (
    repository_id UUID PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    state         TEXT NOT NULL CHECK (state IN ('wanted', 'looking', 'ready', 'failed')),
    error         TEXT,
    findings      JSONB, -- branches, tags, and what the pipeline file says
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT
);

CREATE TABLE applications (
    id                  UUID PRIMARY KEY,
    account_id          UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    repository_id       UUID NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    slug                TEXT NOT NULL,
    name                TEXT NOT NULL,
    auto_build          BOOLEAN NOT NULL,
    build_pushes        BOOLEAN NOT NULL,
    build_pull_requests BOOLEAN NOT NULL,
    build_tags          BOOLEAN NOT NULL,
    branch_patterns     JSONB NOT NULL, -- empty means every branch
    cancel_superseded   BOOLEAN NOT NULL,
    watch               TEXT NOT NULL CHECK (watch IN ('webhook', 'polling')),
    next_number         BIGINT NOT NULL,
    refs_compared_at    BIGINT,
    refs_message        TEXT, -- why the last comparison of refs failed
    created_by          UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at          BIGINT NOT NULL,
    UNIQUE (account_id, slug),
    UNIQUE (account_id, repository_id)
);
CREATE INDEX applications_by_repository ON applications (repository_id);

-- What was last decided of each ref, so that a push whose webhook was lost is found.
CREATE TABLE refs (
    application_id UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    commit_hash    TEXT NOT NULL,
    decided_at     BIGINT NOT NULL,
    PRIMARY KEY (application_id, name)
);

CREATE TABLE webhooks (
    id               UUID PRIMARY KEY,
    repository_id    UUID NOT NULL UNIQUE REFERENCES repositories (id) ON DELETE CASCADE,
    account_id       UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    path             TEXT NOT NULL UNIQUE, -- the unguessable last part of its URL
    secret_sealed    BYTEA NOT NULL,
    remote_id        TEXT,
    state            TEXT NOT NULL CHECK (state IN ('absent', 'present', 'missing', 'changed', 'paused', 'refused')),
    message          TEXT,
    checked_at       BIGINT,
    last_delivery_at BIGINT,
    created_at       BIGINT NOT NULL
);

CREATE TABLE deliveries (
    id             UUID PRIMARY KEY,
    account_id     UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    repository_id  UUID NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    webhook_id     UUID NOT NULL,
    request_id     TEXT NOT NULL,
    origin         TEXT NOT NULL CHECK (origin IN ('bitbucket', 'redelivery', 'comparison')),
    event_key      TEXT NOT NULL,
    attempt_number BIGINT NOT NULL,
    headers        JSONB NOT NULL,
    body           BYTEA NOT NULL,
    received_at    BIGINT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('received', 'decided', 'failed')),
    tries          BIGINT NOT NULL DEFAULT 0,
    retry_at       BIGINT,
    decided_at     BIGINT,
    message        TEXT,
    UNIQUE (webhook_id, request_id)
);
CREATE INDEX deliveries_to_decide ON deliveries (repository_id, id) WHERE state = 'received';
CREATE INDEX deliveries_by_account ON deliveries (account_id, id);
CREATE INDEX deliveries_by_repository ON deliveries (repository_id, id);

CREATE TABLE builds (
    id              UUID PRIMARY KEY,
    account_id      UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    application_id  UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    number          BIGINT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'stopping',
                        'passed', 'failed', 'errored', 'stopped', 'invalid', 'skipped')),
    state_message   TEXT,
    ref_name        TEXT NOT NULL, -- full: refs/heads/… or refs/tags/…
    commit_hash     TEXT NOT NULL,
    previous_hash   TEXT,
    trigger_kind    TEXT NOT NULL CHECK (trigger_kind IN ('push', 'tag', 'pull_request', 'manual', 'schedule')),
    trigger_detail  JSONB NOT NULL, -- pull request, custom pipeline and its variables, who asked
    uniqueness      TEXT, -- trigger, ref and commit; null where a repetition is a build of its own
    commit_message  TEXT,
    commit_author   TEXT,
    commit_email    TEXT,
    committed_at    BIGINT,
    pipeline        TEXT,
    plan            JSONB,
    pipeline_file   BYTEA,
    diagnostics     JSONB NOT NULL,
    delivery_id     UUID,
    started_by      TEXT,
    stopped_by      TEXT,
    accepted_at     BIGINT NOT NULL, -- when the push was stored
    created_at      BIGINT NOT NULL,
    planned_at      BIGINT,
    started_at      BIGINT, -- the first attempt began
    finished_at     BIGINT,
    tries           BIGINT NOT NULL DEFAULT 0, -- of planning
    retry_at        BIGINT,
    UNIQUE (application_id, number),
    UNIQUE (application_id, uniqueness)
);
CREATE INDEX builds_to_plan ON builds (id) WHERE state = 'queued';
CREATE INDEX builds_under_way ON builds (application_id, ref_name) WHERE state IN ('queued', 'running', 'paused', 'stopping');
-- Builds of one ref begin in the order of their numbers.
CREATE INDEX builds_not_begun ON builds (application_id, ref_name, number) WHERE started_at IS NULL AND state IN ('queued', 'running');
CREATE INDEX builds_by_account ON builds (account_id, id);
CREATE INDEX builds_by_application ON builds (application_id, id);

CREATE TABLE decisions (
    id             UUID PRIMARY KEY,
    account_id     UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    delivery_id    UUID NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    application_id UUID REFERENCES applications (id) ON DELETE CASCADE,
    position       BIGINT NOT NULL, -- of the change in its delivery
    change_kind    TEXT NOT NULL CHECK (change_kind IN ('created', 'updated', 'deleted', 'pull_request', 'other')),
    ref_name       TEXT,
    old_hash       TEXT,
    new_hash       TEXT,
    outcome        TEXT NOT NULL CHECK (outcome IN ('built', 'duplicate', 'not_built')),
    reason         TEXT NOT NULL, -- a stable word: auto_build_off, branch_not_selected, …
    sentence       TEXT NOT NULL,
    build_id       UUID REFERENCES builds (id) ON DELETE SET NULL,
    decided_at     BIGINT NOT NULL
);
CREATE INDEX decisions_by_delivery ON decisions (delivery_id, position);
CREATE INDEX decisions_by_build ON decisions (build_id);

CREATE TABLE steps (
    id          UUID PRIMARY KEY,
    build_id    UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,
    name        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'manual', 'queued', 'running',
                    'passed', 'failed', 'failed_ignored', 'errored', 'stopped', 'skipped', 'not_run')),
    attempts    BIGINT NOT NULL,
    lost        BIGINT NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT,
    UNIQUE (build_id, position)
);

CREATE TABLE runners (
    id         UUID PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL CHECK (kind IN ('embedded', 'remote', 'kubernetes')),
    slots      BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE attempts (
    id             UUID PRIMARY KEY,
    build_id       UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    step_id        UUID NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
    number         BIGINT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished')),
    outcome        TEXT CHECK (outcome IN ('passed', 'failed', 'timed_out', 'stopped', 'errored', 'lost', 'interrupted')),
    exit_code      BIGINT,
    message        TEXT,
    stop_requested BOOLEAN NOT NULL,
    runner_id      UUID REFERENCES runners (id) ON DELETE SET NULL,
    lease          UUID,
    lease_until    BIGINT,
    queued_at      BIGINT NOT NULL,
    claimed_at     BIGINT,
    started_at     BIGINT,
    finished_at    BIGINT,
    timings        JSONB NOT NULL,
    log_bytes      BIGINT NOT NULL,
    log_lines      BIGINT NOT NULL,
    UNIQUE (step_id, number)
);
CREATE INDEX attempts_to_claim ON attempts (build_id, id) WHERE state = 'queued';
CREATE INDEX attempts_running ON attempts (lease_until) WHERE state = 'running';
CREATE INDEX attempts_by_build ON attempts (build_id);

-- What Bitbucket must be told of a commit: an outbox, sent in order per key.
CREATE TABLE statuses (
    id             UUID PRIMARY KEY,
    build_id       UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    integration_id UUID NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    repository_id  UUID NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    commit_hash    TEXT NOT NULL,
    status_key     TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('in_progress', 'successful', 'failed', 'stopped')),
    payload        JSONB NOT NULL,
    created_at     BIGINT NOT NULL,
    send_after     BIGINT NOT NULL,
    tries          BIGINT NOT NULL,
    sent_at        BIGINT,
    given_up_at    BIGINT,
    error          TEXT
);
CREATE INDEX statuses_to_send ON statuses (integration_id, id) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX statuses_in_order ON statuses (repository_id, commit_hash, status_key, id) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX statuses_by_build ON statuses (build_id);

CREATE TABLE tasks (
    id          UUID PRIMARY KEY,
    kind        TEXT NOT NULL,
    unique_key  TEXT UNIQUE, -- at most one task of this key waits; cleared when it is claimed, so that what happens meanwhile is not lost
    payload     JSONB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    run_after   BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    lease_owner UUID,
    lease_until BIGINT,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX tasks_to_run ON tasks (run_after) WHERE state = 'waiting';
