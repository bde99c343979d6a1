-- Administration in the browser. The links that let administrators in, once.
CREATE TABLE administration_links (
    -- SHA-256 of the secret in the link.
    hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX administration_links_user_id ON administration_links (user_id);
CREATE INDEX administration_links_expires_at ON administration_links (expires_at);

-- Where an administrator is let in.
CREATE TABLE administration_sessions (
    -- SHA-256 of the cookie.
    hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX administration_sessions_user_id ON administration_sessions (user_id);
CREATE INDEX administration_sessions_expires_at ON administration_sessions (expires_at);

-- Who did it, where that is not the subject: the identifier of an administrator, or "command".
ALTER TABLE audit_events ADD COLUMN actor TEXT;
CREATE INDEX audit_events_actor ON audit_events (actor, at, id) WHERE actor IS NOT NULL;

-- Lists are read in pages, in these orders.
CREATE INDEX grants_created_at ON grants (created_at, id);
CREATE INDEX grants_client_id_created_at ON grants (client_id, created_at, id);
DROP INDEX grants_client_id;
-- And names are looked for by how they begin.
CREATE INDEX users_username_pattern ON users (username COLLATE NOCASE);
