-- What the first release stored: an organization with a user, an assistant, its draft,
-- a version of it, and a log.

INSERT INTO organizations VALUES (
    '0000000000000000000000000000000a', 'Example', '{"defaultModelKey":"gpt-4o"}', 1700000000000000
);

INSERT INTO users VALUES (
    '0000000000000000000000000000000a', '00000000000000000000000000000ada', 'ada@example.org',
    'Ada', 'ada', 'member', '[]', 1, 0, NULL, 1700000000000000, 1700000000000000, 1
);

INSERT INTO assistants VALUES (
    '0000000000000000000000000000000a', '00000000000000000000000000000001', NULL, NULL,
    'assistant 1', 'custom', '00000000000000000000000000000ada', NULL,
    '00000000000000000000000000000ada', 1700000000000000, 1700000000000000, NULL, 0, 1, 1, 'gpt-4o', 'private', 1, 1, NULL,
    '{"access_mode":"private","access_departments":[],"access_users":[],"editable_by_users":[],"visible_in_chat_to_users":[],"editable_by_roles":[],"visible_to_roles":[],"api_enabled":true,"public_enabled":false,"is_active":true}',
    '{"name":"Assistant 1","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}'
);

INSERT INTO assistants VALUES (
    '0000000000000000000000000000000a', '00000000000000000000000000000002', '00000000000000000000000000000001', NULL,
    'assistant 1, better', 'custom', '00000000000000000000000000000ada', NULL,
    '00000000000000000000000000000ada', 1700000000000000, 1700000000000000, NULL, 0, 1, 1, 'gpt-4o', 'private', 1, 1, NULL,
    '{"access_mode":"private","access_departments":[],"access_users":[],"editable_by_users":[],"visible_in_chat_to_users":[],"editable_by_roles":[],"visible_to_roles":[],"api_enabled":true,"public_enabled":false,"is_active":true}',
    '{"name":"Assistant 1, better","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}'
);

INSERT INTO versions VALUES (
    '0000000000000000000000000000000a', '00000000000000000000000000000001', 1,
    '00000000000000000000000000000001', '00000000000000000000000000000ada', 1700000000000000, NULL, 0,
    '{"name":"Assistant 1","description":null,"welcome":null,"kind":"custom","avatar_id":null,"icon_type":"default","icon_data":null,"icon":null,"default_model_key":"gpt-4o","allowed_model_providers":null,"instructions":"","instructions_thread_id":null,"tool_configurations":{"systemTools":{"webSearch":{"mode":"auto","sources":true},"codeInterpreter":{"mode":"auto","outputs":true},"fileSearch":{"mode":"auto","results":true},"computerUsePreview":{"mode":"off","imageUrl":true},"imageGeneration":{"mode":"off","provider":"openai"},"fileRetrieval":{"mode":"auto"}},"mcpTools":[],"streamlineTools":[]},"system_message":null,"context_strategy":"auto","context_window":null,"max_tool_calls":10,"parallel_tool_calls":true,"reasoning":null,"service_tier":"default","store_responses":true,"temperature":0.7,"frequency_penalty":0.0,"presence_penalty":0.0,"logit_bias":null,"json_schemas":null,"top_logprobs":0,"top_p":1.0,"output_mode":"text","response_format":"auto","seed":null,"stopSequences":null,"max_completion_tokens":null,"vector_store_ids":null,"streaming":true,"memory_enabled":false,"moderation_enabled":false,"safety_level":"medium","preset_prompts":[],"metadata":null,"text_config":null,"rule_ids":[]}'
);

INSERT INTO audit_events VALUES (
    '0000000000000000000000000000000a', '00000000000000000000000000000007', 1700000000000000,
    '00000000000000000000000000000ada', NULL, NULL, NULL, 'assistant.created',
    'asst_00000000000000000000000000000001', NULL, '{"name":"One"}'
), (
    '0000000000000000000000000000000a', '00000000000000000000000000000005', 1700000000000000,
    '00000000000000000000000000000ada', NULL, NULL, NULL, 'assistant.created',
    'asst_00000000000000000000000000000002', NULL, '{"name":"One"}'
), (
    '0000000000000000000000000000000a', '00000000000000000000000000000006', 1700000000000000,
    '00000000000000000000000000000ada', NULL, NULL, NULL, 'assistant.created',
    'team_00000000000000000000000000000001', NULL, '{"name":"One"}'
);
