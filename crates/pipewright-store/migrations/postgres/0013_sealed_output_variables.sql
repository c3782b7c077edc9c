-- A script may hand a secured value on, so what steps leave for later ones is sealed: `value` is empty where `value_sealed` is
-- there. Rows of older versions keep theirs in clear, until their builds are removed.
ALTER TABLE output_variables ADD COLUMN value_sealed BYTEA;
