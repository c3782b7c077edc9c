-- The key of a repository's project: on Cloud not the workspace it lies in. Null where Bitbucket did not say yet.
ALTER TABLE repositories ADD COLUMN project_key TEXT;
UPDATE repositories SET project_key = owner WHERE integration_id IN (SELECT id FROM integrations WHERE kind = 'datacenter');

-- The commits that a build's push brought, newest first, as far as they are kept: which of them have no build of their own is
-- asked when its page is shown.
ALTER TABLE builds ADD COLUMN pushed_commits TEXT;

-- What the application's page shows of deliveries that could not be decided, and of changes that were not told whole.
CREATE INDEX deliveries_failed ON deliveries (repository_id, id) WHERE state = 'failed';
CREATE INDEX decisions_incomplete ON decisions (application_id, delivery_id) WHERE reason IN ('unreadable', 'tag_unknown', 'tag_gone');
CREATE INDEX builds_of_commit ON builds (application_id, commit_hash);
