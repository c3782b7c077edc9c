-- What an attempt must have to begin: a concurrency group or an environment of its application that nobody else has. The
-- words are those of pipewright-core. All three are null for most attempts.
ALTER TABLE attempts ADD COLUMN lock_application UUID;
ALTER TABLE attempts ADD COLUMN lock_name TEXT; -- had while the attempt runs
ALTER TABLE attempts ADD COLUMN stage_lock TEXT; -- had by the build until the stage is over

-- What the stage that a build is in has; null between such stages.
ALTER TABLE builds ADD COLUMN holds TEXT;

-- The claim asks first; these make it impossible that two have the same, whoever asks at the same moment.
CREATE UNIQUE INDEX attempts_one_of_lock ON attempts (lock_application, lock_name) WHERE state = 'running' AND lock_name IS NOT NULL;
CREATE UNIQUE INDEX builds_one_holder ON builds (application_id, holds) WHERE holds IS NOT NULL;
