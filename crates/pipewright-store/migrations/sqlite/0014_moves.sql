-- Which push is which. The newest moves of each branch and tag that were decided, so that a push that is told twice, late or by a
-- comparison of refs is known again, and one that moves a ref back to a commit it had before is a push of its own.
CREATE TABLE ref_moves (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of deciding: a counter of the database, not a clock
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    ref_name       TEXT NOT NULL,
    event          TEXT NOT NULL, -- which push: the id of the request that told of it, or of the comparison's delivery
    old_hash       TEXT, -- null: the ref was not there
    new_hash       TEXT, -- null: the ref was deleted
    is_compared    INTEGER NOT NULL, -- found by comparing refs, and no delivery has told of it since
    is_gap         INTEGER NOT NULL, -- nothing that was decided had moved the ref to old_hash
    is_settled     INTEGER NOT NULL, -- its place among the other moves is known
    happened_at    INTEGER, -- Bitbucket's own time of it
    build_id       BLOB,
    decided_at     INTEGER NOT NULL,
    UNIQUE (application_id, ref_name, event)
) STRICT;
CREATE INDEX ref_moves_of_ref ON ref_moves (application_id, ref_name, id);
CREATE INDEX ref_moves_open ON ref_moves (application_id, id) WHERE is_gap OR NOT is_settled;

INSERT INTO ref_moves (application_id, ref_name, event, old_hash, new_hash, is_compared, is_gap, is_settled, build_id, decided_at)
SELECT application_id, ref_name, 'build-' || number, previous_hash, commit_hash, 0, 0, 1, id, created_at FROM builds
WHERE trigger_kind IN ('push', 'tag') AND uniqueness = trigger_kind || '|' || ref_name || '|' || commit_hash ORDER BY application_id, number;

ALTER TABLE refs ADD COLUMN object_hash TEXT; -- the tag object, where the ref is an annotated tag and Bitbucket named it
ALTER TABLE refs ADD COLUMN happened_at INTEGER; -- Bitbucket's own time of the move to where the ref stands

-- Where each pull request stood when it was last decided.
CREATE TABLE pull_request_heads (
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    source_hash    TEXT NOT NULL,
    destination    TEXT NOT NULL, -- the branch's short name
    changed_at     INTEGER, -- Bitbucket's own time of its last change
    build_id       BLOB,
    decided_at     INTEGER NOT NULL,
    PRIMARY KEY (application_id, number)
) STRICT;

ALTER TABLE deliveries ADD COLUMN event TEXT; -- which push or change it tells of; null: its own request_id
