-- Why a step stands where it stands: a sentence, where its state alone does not say it.
ALTER TABLE steps ADD COLUMN message TEXT;

-- The files that the build's commit changed, for conditions of its steps: a list of paths; null where that is not known, or
-- where no condition asks for it.
ALTER TABLE builds ADD COLUMN changed_files TEXT;
