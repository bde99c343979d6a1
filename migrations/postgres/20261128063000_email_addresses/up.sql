-- Where messages to somebody go: one address for each, in small letters, and nobody has that of another.
CREATE TABLE email_addresses (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    address TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Strangers can have links sent to somebody, and none of them may end one that was sent before: there may be several.
ALTER TABLE password_links DROP CONSTRAINT password_links_pkey;
ALTER TABLE password_links DROP CONSTRAINT password_links_hash_key;
ALTER TABLE password_links ADD PRIMARY KEY (hash);
CREATE INDEX password_links_user_id ON password_links (user_id);
