-- What loops ask for every second must cost the same however much history there is: each has an index of what waits alone.
CREATE INDEX deliveries_waiting ON deliveries (repository_id, id, retry_at) WHERE state = 'received';
CREATE INDEX builds_waiting ON builds (application_id, id) WHERE state = 'queued';
CREATE INDEX attempts_held ON attempts (runner_id) WHERE state = 'running';
CREATE INDEX tasks_done ON tasks (finished_at) WHERE state = 'done';
CREATE INDEX sessions_by_end ON sessions (expires_at);
