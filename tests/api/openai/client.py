"""What people do with the package `openai`."""

import json
from openai import BadRequestError, NotFoundError, OpenAI
from pydantic import BaseModel

client = OpenAI(max_retries=0)
chat = client.chat.completions


class Person(BaseModel):
    name: str
    age: int


def said(text):
    return [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]


# A question, whole and streamed.
completion = chat.create(model="helper", messages=said("Hello"), temperature=0.3)
assert completion.choices[0].message.content == "Good morning.", completion
assert completion.choices[0].finish_reason == "stop"
assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens

options = {"include_usage": True}
chunks = list(chat.create(model="helper", messages=said("Hello"), stream=True, stream_options=options))
assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Good morning."
assert chunks[-1].usage.total_tokens > 0 and chunks[-2].choices[0].finish_reason == "stop"

with chat.stream(model="helper", messages=said("Hello")) as stream:
    kinds = [event.type for event in stream]
    final = stream.get_final_completion()
assert kinds.count("content.delta") == 3 and "content.done" in kinds, kinds
assert final.choices[0].message.content == "Good morning."

# A tool of the caller, there and back.
tool = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
tools = [{"type": "function", "function": tool}]
messages = said("How is the weather?")
message = chat.create(model="helper", messages=messages, tools=tools).choices[0].message
call = message.tool_calls[0]
assert json.loads(call.function.arguments) == {"city": "Bern"}
messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}]
completion = chat.create(model="helper", messages=messages, tools=tools)
assert completion.choices[0].message.content == "Good morning.", completion
with chat.stream(model="helper", messages=said("How is the weather?"), tools=tools) as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.tool_calls[0].function.parsed_arguments == {"city": "Bern"}

# Answers in a form.
parsed = chat.parse(model="helper", messages=said("Which person?"), response_format=Person)
assert parsed.choices[0].message.parsed == Person(name="Ada", age=36), parsed
with chat.stream(model="helper", messages=said("Which person?"), response_format=Person) as stream:
    assert stream.get_final_completion().choices[0].message.parsed.age == 36

# Refusals of the model and of the service.
message = chat.create(model="helper", messages=said("Please decline.")).choices[0].message
assert message.refusal == "I will not." and message.content is None, message
chunks = list(chat.create(model="helper", messages=said("Please decline."), stream=True))
assert "".join(c.choices[0].delta.refusal or "" for c in chunks) == "I will not."
try:
    chat.create(model="helper", messages=said("Hello"), extra_body={"api_base": "http://x"})
    raise AssertionError("it was not refused")
except BadRequestError as error:
    assert error.param == "api_base" and error.code == "unknown_parameter", error.body
try:
    client.models.retrieve("nobody")
    raise AssertionError("it was found")
except NotFoundError as error:
    assert error.type == "not_found_error", error.body

# Models.
assert [model.id for model in client.models.list()] == ["helper"]
assert client.models.retrieve("helper").object == "model"

print("good")
