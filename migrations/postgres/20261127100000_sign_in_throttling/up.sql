-- Sign-ins that failed, by account, by source, by both, and by everybody together. Hashes of what is counted, since people type
-- passwords where names belong.
CREATE TABLE sign_in_failures (
    hash BYTEA NOT NULL PRIMARY KEY,
    last_failed_at BIGINT NOT NULL,
    -- When the last of them is forgotten: how far it lies ahead is how many there were.
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_expires_at ON sign_in_failures (expires_at);

-- From where somebody signed in lately: strangers who guess elsewhere do not keep them out.
CREATE TABLE known_sources (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX known_sources_user_id ON known_sources (user_id);
CREATE INDEX known_sources_expires_at ON known_sources (expires_at);
