"""What people do with the package `openai`."""

import base64
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
    partial = [event.parsed for event in stream if event.type == "content.delta" and event.delta]
    assert stream.get_final_completion().choices[0].message.parsed.age == 36
assert partial == [{"name": "Ada"}, {"name": "Ada", "age": 36}], partial

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
    pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert stream.get_final_response().output_parsed == Person(name="Ada", age=36)
assert len(pieces) == 2, pieces
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

# Conversations.
conversations = client.conversations
mine = {"type": "message", "role": "user", "content": "My name is Grace."}
conversation = conversations.create(metadata={"topic": "names"}, items=[mine])
assert (conversation.object, conversation.metadata) == ("conversation", {"topic": "names"}), conversation
assert conversation.id.startswith("conv_") and conversations.retrieve(conversation.id) == conversation
named = responses.create(model="helper", input="What is my name again?", conversation=conversation.id)
assert named.output_text == "Grace." and named.conversation.id == conversation.id, named
more = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Thanks."}]}]
added = conversations.items.create(conversation.id, items=more, include=["message.output_text.logprobs"])
assert added.data[0].id == added.first_id == added.last_id and not added.has_more, added
items = list(conversations.items.list(conversation.id, limit=1, order="asc"))
assert [item.role for item in items] == ["user", "user", "assistant", "user"], items
assert [item.content[0].text for item in items][0] == "My name is Grace.", items
newest = conversations.items.list(conversation.id).data[0]
assert newest == conversations.items.retrieve(newest.id, conversation_id=conversation.id) == items[-1]
assert conversations.items.delete(items[0].id, conversation_id=conversation.id) == conversation
forgotten = responses.create(model="helper", input="My name again?", conversation={"id": conversation.id})
assert forgotten.output_text == "I do not know.", forgotten
changed = conversations.update(conversation.id, metadata={"kind": "short"})
assert changed.metadata == {"kind": "short"}, changed
try:
    responses.create(model="helper", input="?", conversation=conversation.id, previous_response_id=named.id)
    raise AssertionError("it was not refused")
except BadRequestError as error:
    assert error.param == "conversation", error.body
gone = conversations.delete(conversation.id)
assert (gone.id, gone.object, gone.deleted) == (conversation.id, "conversation.deleted", True), gone
try:
    conversations.items.list(conversation.id)
    raise AssertionError("it was found")
except NotFoundError:
    pass

# Calls that wait for approval.
asked = responses.create(model="helper", input="Close ticket 7.")
[request] = asked.output
assert request.type == "mcp_approval_request", asked
assert (request.server_label, request.name, request.arguments) == ("tickets", "close", '{"number":7}'), request
decision = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
done = responses.create(model="helper", input=[decision], previous_response_id=asked.id)
assert done.output_text == "Closed." and done.id != asked.id, done
assert done.previous_response_id == asked.id and done.conversation == asked.conversation, done
assert responses.retrieve(asked.id).output == asked.output
[told] = responses.input_items.list(done.id).data
assert (told.type, told.approval_request_id, told.approve) == ("mcp_approval_response", request.id, True), told
with responses.stream(model="helper", input="Close ticket 7.") as stream:
    asked = stream.get_final_response()
words = {"role": "user", "content": "Close ticket 7, I said."}
done = responses.create(model="helper", input=[{**decision, "approval_request_id": asked.output[0].id}, words], previous_response_id=asked.id)
assert done.output_text == "Closed.", done
kept = list(conversations.items.list(done.conversation.id, order="asc"))
assert [item.type for item in kept[1:]] == ["function_call", "function_call_output", "message", "message"], kept
assert kept[-1].id == done.output[0].id and kept[-2].content[0].text == words["content"], kept
with responses.stream(model="helper", input="Close ticket 7.") as stream:
    asked = stream.get_final_response()
denial = {"type": "mcp_approval_response", "approval_request_id": asked.output[0].id, "approve": False}
denial["reason"] = "Not this one."
with responses.stream(model="helper", input=[denial], previous_response_id=asked.id) as stream:
    assert stream.get_final_response().output_text == "Left open."

# Files.
file = client.files.create(file=("prices.md", b"# Prices"), purpose="user_data")
assert (file.filename, file.bytes, file.status) == ("prices.md", 8, "processed"), file
assert client.files.retrieve(file.id) == file
assert client.files.content(file.id).read() == b"# Prices"
other = client.files.create(file=("more.md", b"# More"), purpose="assistants")
listed = [found.id for found in client.files.list(limit=1, order="asc")]
assert sorted(listed) == sorted([file.id, other.id]), listed
assert list(client.files.list(purpose="assistants")) == [other]
client.files.delete(other.id)
assert client.files.delete(file.id).deleted
try:
    client.files.retrieve(file.id)
    raise AssertionError("it was found")
except NotFoundError:
    pass

# Pictures.
pictures = client.images.generate(prompt="a fox", n=2, size="512x512")
assert len(pictures.data) == 2 and base64.b64decode(pictures.data[0].b64_json)[1:4] == b"PNG"
assert (pictures.output_format, pictures.size) == ("png", "512x512"), pictures
picture = client.images.generate(prompt="a fox", response_format="url")
assert "/images/" in picture.data[0].url and picture.created > 0, picture
try:
    client.images.generate(prompt="a fox", output_format="webp")
    raise AssertionError("it was not refused")
except BadRequestError as error:
    assert error.param == "output_format", error.body

# Embeddings, which the package asks for in base64.
embed = client.embeddings.create
near = embed(model="text-embedding-3-small", input=["a red fox", "the red fox", "opening hours"])
first, second, third = [item.embedding for item in near.data]
alike = lambda one, two: sum(a * b for a, b in zip(one, two))
assert alike(first, second) > alike(first, third), near
assert (near.model, near.usage.prompt_tokens) == ("text-embedding-3-small", 8), near.usage
listed = embed(model="text-embedding-3-small", input="a red fox", encoding_format="float")
assert [round(n, 5) for n in listed.data[0].embedding] == [round(n, 5) for n in first], listed
short = embed(model="text-embedding-3-small", input=[[1, 2], [3]], dimensions=4)
assert [len(item.embedding) for item in short.data] == [4, 4], short

# Models.
assert [model.id for model in client.models.list()] == ["helper"]
assert client.models.retrieve("helper").object == "model"

print("good")
