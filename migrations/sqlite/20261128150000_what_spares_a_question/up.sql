-- Whether the person who was asked for the grant was told that the same is not asked again. What was allowed before this column is no
-- reason for another grant: nobody knows any more by which kind of answer it was given.
ALTER TABLE grants ADD COLUMN spares_question INTEGER NOT NULL DEFAULT 0 CHECK (spares_question IN (0, 1));
-- Of a grant that nobody was asked for: which one it came from. They end together.
ALTER TABLE grants ADD COLUMN remembered_from TEXT;
CREATE INDEX grants_remembered_from ON grants (remembered_from) WHERE remembered_from IS NOT NULL;
ALTER TABLE grants DROP COLUMN remembered;
