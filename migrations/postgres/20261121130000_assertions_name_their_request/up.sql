-- Which request an assertion came with: a request that is tried again, because it is unknown whether it was committed, finds its
-- own assertion and is not mistaken for a replay.
ALTER TABLE used_assertions ADD COLUMN request TEXT;
