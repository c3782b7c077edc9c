-- Variables that the last attempt of a step left for later steps of its build.
CREATE TABLE output_variables (
    step_id  UUID NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    value    TEXT NOT NULL,
    PRIMARY KEY (step_id, name)
);
CREATE INDEX output_variables_by_build ON output_variables (build_id);
