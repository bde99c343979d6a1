-- What people refer to: every page that says that something went wrong shows the id of its request.
CREATE INDEX audit_events_request_id ON audit_events (request_id, at, id) WHERE request_id IS NOT NULL;
