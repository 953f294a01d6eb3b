-- What the third release added to that: a thread with a message.

INSERT INTO threads VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000005',
    '00000000-0000-0000-0000-000000000ada', NULL, true, NULL, '{}', 1,
    '{"id": "thread_00000000000000000000000000000005",
      "organization": "org_0000000000000000000000000000000a",
      "user": "usr_00000000000000000000000000000ada", "assistant": null, "title": null,
      "visible": true, "metadata": {}, "pinned_at": null, "last_position": 1,
      "message_count": 1, "last_model": null, "summary": null, "active_run": null,
      "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
      "last_message_at": "2026-01-01T00:00:00Z", "revision": 1}'
);

INSERT INTO messages VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000005', 1,
    '{"id": "msg_00000000000000000000000000000006",
      "organization": "org_0000000000000000000000000000000a",
      "thread": "thread_00000000000000000000000000000005", "position": 1,
      "item": {"type": "message", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
      "run": null, "created_at": "2026-01-01T00:00:00Z"}'
);
