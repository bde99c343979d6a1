-- Whether nobody was asked for the grant, because of one that somebody was asked for: it is no reason for another one.
ALTER TABLE grants ADD COLUMN remembered BOOLEAN NOT NULL DEFAULT FALSE;
