-- Whether nobody was asked for the grant, because of one that somebody was asked for: it is no reason for another one.
ALTER TABLE grants ADD COLUMN remembered INTEGER NOT NULL DEFAULT 0 CHECK (remembered IN (0, 1));
