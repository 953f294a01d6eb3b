-- Messages are found by their id, and uploads by who sent them.

-- Made anew, so that the document stands last as before.
CREATE TABLE named_messages (
    organization_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, thread_id, position),
    FOREIGN KEY (organization_id, thread_id) REFERENCES threads (organization_id, id)
        ON DELETE CASCADE
) STRICT;
-- The id in a document is `msg_` and 32 digits.
INSERT INTO named_messages (organization_id, thread_id, position, id, document)
    SELECT organization_id, thread_id, position, substr(document ->> '$.id', 5), document
    FROM messages;
DROP TABLE messages;
ALTER TABLE named_messages RENAME TO messages;
CREATE INDEX messages_by_id ON messages (organization_id, thread_id, id);

-- What their senders say that uploads are for, and the order that senders see them in.
ALTER TABLE uploads ADD COLUMN purpose TEXT NOT NULL DEFAULT 'user_data';
CREATE INDEX uploads_in_order ON uploads (organization_id, user_id, created_at, id);
