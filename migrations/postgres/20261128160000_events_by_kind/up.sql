-- Rare kinds of events are found without reading all of the trail; whether a resource server tells what it decides is found by its name.
CREATE INDEX audit_events_outcome ON audit_events (outcome, at, id);
CREATE INDEX audit_events_resource ON audit_events (resource, at);

-- The pages of one person's grants, in their order.
CREATE INDEX grants_user_id_created_at ON grants (user_id, created_at, id);
DROP INDEX grants_user_id;
