-- How far each connection of a client came. Rows stand for themselves: they outlive the clients and grants that they name, and
-- nothing is decided by them.
CREATE TABLE connection_steps (
    -- In the order of time.
    id TEXT NOT NULL PRIMARY KEY,
    -- Which attempt it belongs to.
    connection TEXT NOT NULL,
    at BIGINT NOT NULL,
    step TEXT NOT NULL,
    client_id TEXT,
    -- Whose attempt it turned out to be; none while it is a stranger's.
    user_id TEXT,
    resource TEXT,
    source TEXT,
    grant_id TEXT,
    detail TEXT
);
CREATE INDEX connection_steps_at ON connection_steps (at, id);
CREATE INDEX connection_steps_connection ON connection_steps (connection, at, id);
CREATE INDEX connection_steps_client_id ON connection_steps (client_id, at, id);
CREATE INDEX connection_steps_user_id ON connection_steps (user_id, at, id);
CREATE INDEX connection_steps_grant_id ON connection_steps (grant_id);
CREATE INDEX connection_steps_of_strangers ON connection_steps (at, id) WHERE user_id IS NULL;
