-- Attempts that ended for no reason of their step's, each kind counted by itself: given back by us (an orderly restart, no room
-- on the machine), and ended with the server's process. `lost` counts lost runners alone.
ALTER TABLE steps ADD COLUMN interrupted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN crashed BIGINT NOT NULL DEFAULT 0;
