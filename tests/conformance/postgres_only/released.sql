-- What the first release stored: an organization with a user, an assistant, its draft,
-- a version of it, and two events.

SELECT set_config('app.organization', '00000000-0000-0000-0000-00000000000a', false);

INSERT INTO organizations VALUES (
    '00000000-0000-0000-0000-00000000000a', 'Example', '{"defaultModelKey":"gpt-4o"}', '2026-01-01Z'
);

INSERT INTO users (organization_id, id, email, name, name_key, role, departments, ai_seat,
    disabled, created_at, updated_at, revision)
VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000ada',
    'ada@example.org', 'Ada', 'ada', 'member', '{}', true, false, '2026-01-01Z', '2026-01-01Z', 1
);

INSERT INTO assistants (organization_id, id, editing_id, slug, owner_user, created_by, created_at,
    updated_at, is_default, version, revision, content, policy, kind, name_key, model_key,
    metadata, access_mode, is_active, api_enabled, chat_users)
VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', NULL,
    'assistant-1', '00000000-0000-0000-0000-000000000ada', '00000000-0000-0000-0000-000000000ada',
    '2026-01-01Z', '2026-01-01Z', false, 1, 1,
    '{"name":"Assistant 1","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}',
    '{"access_mode":"private","access_departments":[],"access_users":[],"editable_by_users":[],"visible_in_chat_to_users":[],"editable_by_roles":[],"visible_to_roles":[],"api_enabled":true,"public_enabled":false,"is_active":true}',
    'custom', 'assistant 1', 'gpt-4o', '{}', 'private', true, true, '{}'
), (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000002',
    '00000000-0000-0000-0000-000000000001', NULL, '00000000-0000-0000-0000-000000000ada',
    '00000000-0000-0000-0000-000000000ada', '2026-01-01Z', '2026-01-01Z', false, 1, 1,
    '{"name":"Assistant 1, better","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}',
    '{"access_mode":"private","access_departments":[],"access_users":[],"editable_by_users":[],"visible_in_chat_to_users":[],"editable_by_roles":[],"visible_to_roles":[],"api_enabled":true,"public_enabled":false,"is_active":true}',
    'custom', 'assistant 1, better', 'gpt-4o', '{}', 'private', true, true, '{}'
);

INSERT INTO assistant_audience VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0000-00000000000a', 'user:00000000000000000000000000000ada', 4,
    '2026-01-01Z', '2026-01-01Z', 'assistant 1'
);

INSERT INTO versions VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000003',
    '00000000-0000-0000-0000-000000000001', 1, '00000000-0000-0000-0000-000000000ada',
    '2026-01-01Z', NULL, 0,
    '{"name":"Assistant 1","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}'
);

INSERT INTO audit_events (organization_id, id, at, actor, action, target) VALUES (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000e2', '2026-01-01Z',
    '00000000-0000-0000-0000-000000000ada', 'assistant.updated', 'asst_1'
), (
    '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000e1', '2026-01-01Z',
    '00000000-0000-0000-0000-000000000ada', 'assistant.created', 'asst_1'
);
