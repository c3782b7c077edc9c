-- What attempts left. The contents are files; a row whose content went stays, to say what there was.
CREATE TABLE artifacts (
    id         UUID PRIMARY KEY,
    build_id   UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    attempt_id UUID NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    position   BIGINT NOT NULL, -- in the step's plan, from 0
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('shared', 'scoped', 'test-reports')),
    files      BIGINT NOT NULL,
    bytes      BIGINT NOT NULL, -- of the content as it is stored
    listing    JSONB NOT NULL, -- the first of its files with their bytes
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE INDEX artifacts_by_build ON artifacts (build_id);
CREATE INDEX artifacts_by_attempt ON artifacts (attempt_id);
CREATE INDEX artifacts_to_remove ON artifacts (expires_at) WHERE removed_at IS NULL;
