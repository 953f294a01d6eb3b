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
    events = list(stream)
    final = stream.get_final_completion()
assert [e.delta for e in events if e.type == "content.delta" and e.delta] == ["Good", " morning", "."]
assert events[-1].type == "content.done", events[-1]
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

# Responses, whole and streamed, one going on from another.
responses = client.responses
response = responses.create(model="helper", input="My name is Grace.", instructions="Be kind.")
assert (response.status, response.output_text) == ("completed", "Good morning."), response
again = responses.create(model="helper", input="What is my name again?", previous_response_id=response.id)
assert again.output_text == "Grace.", again
again = responses.create(model="helper", input="My name again?", conversation=response.conversation.id)
assert again.output_text == "Grace." and again.conversation == response.conversation, again
fresh = responses.create(model="helper", input="What is my name again?")
assert fresh.output_text == "I do not know.", fresh

events = list(responses.create(model="helper", input="Hello", stream=True))
assert [event.sequence_number for event in events] == list(range(len(events)))
assert [event.type for event in events] == [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
], [event.type for event in events]
with responses.stream(model="helper", input="Hello") as stream:
    snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
    final = stream.get_final_response()
assert snapshots[-1] == "Good morning." and final.output_text == "Good morning.", final
with responses.stream(model="helper", input="Which person?", text_format=Person) as stream:
    assert stream.get_final_response().output_parsed == Person(name="Ada", age=36)
assert responses.parse(model="helper", input="Which person?", text_format=Person).output_parsed.age == 36

tools = [{"type": "function", **tool}]
response = responses.create(model="helper", input="How is the weather?", tools=tools)
call = response.output[0]
assert call.type == "function_call" and json.loads(call.arguments) == {"city": "Bern"}, response
result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}
kept = responses.create(model="helper", input=[result], tools=tools, previous_response_id=response.id)
assert kept.output_text == "Good morning.", kept
said_so_far = [{"role": "user", "content": "How is the weather?"}, *response.output, result]
told = responses.create(model="helper", input=said_so_far, tools=tools, store=False)
assert told.output_text == "Good morning.", told
with responses.stream(model="helper", input="How is the weather?", tools=tools) as stream:
    final = stream.get_final_response()
assert final.output[0].parsed_arguments == {"city": "Bern"}, final

read = responses.retrieve(response.id)
assert (read.output, read.model, read.status) == (response.output, "helper", "completed"), read
items = list(responses.input_items.list(response.id))
assert items[0].content[0].text == "How is the weather?", items
responses.delete(response.id)
for gone in [response.id, told.id]:
    try:
        responses.retrieve(gone)
        raise AssertionError("it was found")
    except NotFoundError:
        pass
begun = responses.create(model="helper", input="Hello", background=True)
assert begun.id.startswith("resp_") and begun.status in ("queued", "in_progress", "completed"), begun

# Files.
file = client.files.create(file=("prices.md", b"# Prices"), purpose="user_data")
assert (file.filename, file.bytes, file.status) == ("prices.md", 8, "processed"), file
assert client.files.retrieve(file.id) == file
assert client.files.content(file.id).read() == b"# Prices"
assert client.files.delete(file.id).deleted
try:
    client.files.retrieve(file.id)
    raise AssertionError("it was found")
except NotFoundError:
    pass

# Models.
assert [model.id for model in client.models.list()] == ["helper"]
assert client.models.retrieve("helper").object == "model"

print("good")
