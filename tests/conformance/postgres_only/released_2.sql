-- What the second release added to that: a use of a provider and a token.

INSERT INTO usage VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000003',
    '00000000-0000-0000-0000-000000000ada', '00000000-0000-0000-0000-000000000001', 'image',
    'openai', 'gpt-image-1', 2, '2026-01-01Z'
);

INSERT INTO api_tokens VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000004',
    '00000000-0000-0000-0000-000000000ada', 'personal', 'Mine', false, NULL, NULL, '{read}', NULL,
    decode(repeat('00', 32), 'hex'), '2026-01-01Z', '2026-01-01Z', NULL, NULL
);
