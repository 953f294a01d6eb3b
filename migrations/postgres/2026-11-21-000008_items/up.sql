-- Messages are found by their id, and uploads by who sent them.

ALTER TABLE messages ADD COLUMN id uuid;
-- The wall holds for the owner too, who has no organization here. The id in a document
-- is `msg_` and 32 digits.
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
UPDATE messages SET id = substr(document ->> 'id', 5)::uuid;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE messages ALTER COLUMN id SET NOT NULL;
CREATE INDEX messages_id_idx ON messages (organization_id, thread_id, id);

-- What their senders say that uploads are for, and the order that senders see them in.
ALTER TABLE uploads ADD COLUMN purpose text NOT NULL DEFAULT 'user_data';
CREATE INDEX uploads_page_idx ON uploads (organization_id, user_id, created_at, id);
