-- When a member last came to the account: signing in leads there. Null where that was not noted.
ALTER TABLE members ADD COLUMN used_at BIGINT;
