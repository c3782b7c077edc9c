-- What the tests of an attempt said, as a whole.
CREATE TABLE test_reports (
    attempt_id   BLOB PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    build_id     BLOB NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    passed       INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    errored      INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    micros       INTEGER NOT NULL, -- of all cases together
    listed       INTEGER NOT NULL, -- how many of the cases are kept
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    unread_files INTEGER NOT NULL,
    unread       TEXT NOT NULL     -- the first of those files, with what is wrong
) STRICT;
CREATE INDEX test_reports_by_build ON test_reports (build_id);

-- Cases of an application, each once however many builds ran it. The id is made of what tells them apart.
CREATE TABLE test_cases (
    id             BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    step_name      TEXT NOT NULL,
    suite          TEXT NOT NULL,
    name           TEXT NOT NULL,
    file           TEXT NOT NULL, -- as it was last told; empty where it is not known
    line           INTEGER NOT NULL -- the same; 0 where it is not known
) STRICT;
CREATE INDEX test_cases_by_application ON test_cases (application_id);

-- What became of a case in an attempt.
CREATE TABLE test_results (
    build_id BLOB NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    case_id  BLOB NOT NULL REFERENCES test_cases (id) ON DELETE CASCADE,
    attempt  INTEGER NOT NULL, -- its number in its step
    step     INTEGER NOT NULL, -- its position in the plan
    state    TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'errored', 'skipped')),
    is_flaky INTEGER NOT NULL,
    micros   INTEGER NOT NULL,
    message  TEXT NOT NULL,
    output   TEXT NOT NULL,
    PRIMARY KEY (build_id, case_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_results_by_case ON test_results (case_id);

ALTER TABLE storage_sizes ADD COLUMN tests INTEGER NOT NULL DEFAULT 0;
