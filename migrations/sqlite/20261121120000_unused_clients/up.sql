-- When a client that nobody has allowed anything yet registered last: such clients are cleared away. Null: it was allowed
-- something, or it did not register itself.
ALTER TABLE clients ADD COLUMN unused_since INTEGER;
UPDATE clients SET unused_since = issued_at
    WHERE registration = 'dynamic' AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client_id = clients.id);
CREATE INDEX clients_unused_since ON clients (unused_since, id) WHERE unused_since IS NOT NULL;
