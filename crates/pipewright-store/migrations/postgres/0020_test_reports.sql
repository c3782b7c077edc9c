-- What the tests of an attempt said, as a whole.
CREATE TABLE test_reports (
    attempt_id   UUID PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    build_id     UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    passed       BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    errored      BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,
    micros       BIGINT NOT NULL, -- of all cases together
    listed       BIGINT NOT NULL, -- how many of the cases are kept
    files        BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    unread_files BIGINT NOT NULL,
    unread       JSONB NOT NULL    -- the first of those files, with what is wrong
);
CREATE INDEX test_reports_by_build ON test_reports (build_id);

-- Cases of an application, each once however many builds ran it. The id is made of what tells them apart.
CREATE TABLE test_cases (
    id             UUID PRIMARY KEY,
    application_id UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    step_name      TEXT NOT NULL,
    suite          TEXT NOT NULL,
    name           TEXT NOT NULL,
    file           TEXT NOT NULL, -- as it was last told; empty where it is not known
    line           BIGINT NOT NULL -- the same; 0 where it is not known
);
CREATE INDEX test_cases_by_application ON test_cases (application_id);

-- What became of a case in an attempt.
CREATE TABLE test_results (
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    case_id  UUID NOT NULL REFERENCES test_cases (id) ON DELETE CASCADE,
    attempt  BIGINT NOT NULL, -- its number in its step
    step     BIGINT NOT NULL, -- its position in the plan
    state    TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'errored', 'skipped')),
    is_flaky BOOLEAN NOT NULL,
    micros   BIGINT NOT NULL,
    message  TEXT NOT NULL,
    output   TEXT NOT NULL,
    PRIMARY KEY (build_id, case_id, attempt)
);
CREATE INDEX test_results_by_case ON test_results (case_id);

ALTER TABLE storage_sizes ADD COLUMN tests BIGINT NOT NULL DEFAULT 0;
