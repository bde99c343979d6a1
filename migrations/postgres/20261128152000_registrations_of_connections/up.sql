-- Of each request the registration of its client is looked for, and some clients have many steps and none.
CREATE INDEX connection_steps_client_step ON connection_steps (client_id, step, at, id);
