// What people do with the package `openai`.

import assert from "node:assert";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ maxRetries: 0 });
const chat = client.chat.completions;
const said = (text) => [{ role: "developer", content: "Be kind." }, { role: "user", content: text }];

// A question, whole and streamed.
const whole = await chat.create({ model: "helper", messages: said("Hello") });
assert.equal(whole.choices[0].message.content, "Good morning.");
assert.equal(whole.choices[0].finish_reason, "stop");

let text = "";
for await (const chunk of await chat.create({ model: "helper", messages: said("Hello"), stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? "";
}
assert.equal(text, "Good morning.");

const deltas = [];
const stream = chat.stream({ model: "helper", messages: said("Hello"), stream_options: { include_usage: true } });
stream.on("content", (delta) => deltas.push(delta));
const final = await stream.finalChatCompletion();
assert.deepEqual(deltas.filter((delta) => delta), ["Good", " morning", "."]);
assert.equal(final.choices[0].message.content, "Good morning.");
assert.ok((await stream.totalUsage()).total_tokens > 0);

// A tool of the caller, which the package itself runs.
const runner = chat.runTools({
  model: "helper",
  messages: said("How is the weather?"),
  tools: [{
    type: "function",
    function: {
      name: "weather",
      description: "Tells the weather.",
      parameters: { type: "object", properties: { city: { type: "string" } } },
      parse: JSON.parse,
      function: ({ city }) => `Sunny in ${city}.`,
    },
  }],
});
assert.equal(await runner.finalContent(), "Good morning.");
assert.equal(await runner.finalFunctionToolCallResult(), "Sunny in Bern.");

// Responses, whole and streamed, one going on from another.
const response = await client.responses.create({ model: "helper", input: "My name is Grace." });
assert.equal(response.output_text, "Good morning.");
const again = await client.responses.create({
  model: "helper",
  input: "What is my name again?",
  previous_response_id: response.id,
});
assert.equal(again.output_text, "Grace.");

const events = client.responses.stream({ model: "helper", input: "Hello" });
const snapshots = [];
events.on("response.output_text.delta", (event) => snapshots.push(event.snapshot));
assert.equal((await events.finalResponse()).output_text, "Good morning.");
assert.equal(snapshots.at(-1), "Good morning.");

const weather = { type: "function", name: "weather", parameters: { type: "object" }, strict: false };
const calling = await client.responses.create({ model: "helper", input: "How is the weather?", tools: [weather] });
assert.equal(calling.output[0].name, "weather");
const result = { type: "function_call_output", call_id: calling.output[0].call_id, output: "Sunny." };
const told = await client.responses.create({
  model: "helper",
  input: [{ role: "user", content: "How is the weather?" }, ...calling.output, result],
  tools: [weather],
  store: false,
});
assert.equal(told.output_text, "Good morning.");
assert.equal((await client.responses.retrieve(response.id)).output_text, "Good morning.");

// Conversations.
const mine = { type: "message", role: "user", content: "My name is Grace." };
const conversation = await client.conversations.create({ items: [mine], metadata: { topic: "names" } });
assert.deepEqual(await client.conversations.retrieve(conversation.id), conversation);
const named = await client.responses.create({
  model: "helper",
  input: "What is my name again?",
  conversation: conversation.id,
});
assert.equal(named.output_text, "Grace.");
assert.equal(named.conversation.id, conversation.id);
const thanks = { type: "message", role: "user", content: [{ type: "input_text", text: "Thanks." }] };
const include = ["message.output_text.logprobs"];
const added = await client.conversations.items.create(conversation.id, { items: [thanks], include });
assert.equal(added.data[0].content[0].text, "Thanks.");
const items = [];
for await (const item of client.conversations.items.list(conversation.id, { limit: 1, order: "asc" })) {
  items.push(item);
}
assert.deepEqual(items.map((item) => item.role), ["user", "user", "assistant", "user"]);
const inside = { conversation_id: conversation.id };
assert.deepEqual(await client.conversations.items.retrieve(items[3].id, inside), items[3]);
assert.equal((await client.conversations.items.delete(items[3].id, inside)).id, conversation.id);
const changed = await client.conversations.update(conversation.id, { metadata: { kind: "short" } });
assert.deepEqual(changed.metadata, { kind: "short" });
assert.equal((await client.conversations.delete(conversation.id)).object, "conversation.deleted");
assert.ok((await client.conversations.create()).id.startsWith("conv_"));

// Calls that wait for approval.
const decide = (response, approve, reason) => ({
  model: "helper",
  previous_response_id: response.id,
  input: [{ type: "mcp_approval_response", approval_request_id: response.output[0].id, approve, reason }],
});
const waiting = await client.responses.create({ model: "helper", input: "Close ticket 7." });
assert.equal(waiting.output[0].type, "mcp_approval_request");
assert.equal(waiting.output[0].server_label, "tickets");
assert.equal((await client.responses.create(decide(waiting, true))).output_text, "Closed.");
const other = await client.responses.stream({ model: "helper", input: "Close ticket 7." }).finalResponse();
const refused = client.responses.stream(decide(other, false, "Not this one."));
assert.equal((await refused.finalResponse()).output_text, "Left open.");

// Answers in a form.
const Person = z.object({ name: z.string(), age: z.number() });
const inForm = { model: "helper", messages: said("Which person?"), response_format: zodResponseFormat(Person, "person") };
const person = { name: "Ada", age: 36 };
assert.deepEqual((await chat.parse(inForm)).choices[0].message.parsed, person);
const live = [];
const formed = await chat.stream(inForm).on("content", (delta) => delta && live.push(delta)).finalChatCompletion();
assert.equal(live.length, 2, live);
assert.deepEqual(formed.choices[0].message.parsed, person);
const asText = { model: "helper", input: "Which person?", text: { format: zodTextFormat(Person, "person") } };
assert.deepEqual((await client.responses.parse(asText)).output_parsed, person);
assert.deepEqual((await client.responses.stream(asText).finalResponse()).output_parsed, person);

// Files.
const prices = await OpenAI.toFile(Buffer.from("# Prices"), "prices.md");
const file = await client.files.create({ file: prices, purpose: "user_data" });
assert.deepEqual([file.filename, file.bytes, file.status], ["prices.md", 8, "processed"]);
const more = await client.files.create({ file: await OpenAI.toFile(Buffer.from("x"), "x.md"), purpose: "assistants" });
const ids = [];
for await (const found of client.files.list({ limit: 1 })) ids.push(found.id);
assert.deepEqual(ids.sort(), [file.id, more.id].sort());
assert.deepEqual((await client.files.list({ purpose: "assistants" })).data.map((found) => found.id), [more.id]);
assert.deepEqual(await client.files.retrieve(file.id), file);
assert.equal(await (await client.files.content(file.id)).text(), "# Prices");
assert.ok((await client.files.delete(file.id)).deleted);
await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);

// Pictures, and embeddings, which the package asks for in base64.
const pictures = await client.images.generate({ prompt: "a fox", n: 2, size: "512x512" });
assert.deepEqual(
  pictures.data.map((picture) => Buffer.from(picture.b64_json, "base64").subarray(1, 4).toString()),
  ["PNG", "PNG"],
);
const embed = (body) => client.embeddings.create({ model: "text-embedding-3-small", ...body });
const packed = await embed({ input: ["a red fox", "opening hours"] });
const listed = await embed({ input: "a red fox", encoding_format: "float" });
const rounded = (numbers) => numbers.map((number) => number.toFixed(5));
assert.equal(packed.data.length, 2);
assert.deepEqual(rounded(packed.data[0].embedding), rounded(listed.data[0].embedding));
assert.equal((await embed({ input: "x", dimensions: 4 })).data[0].embedding.length, 4);

// Refusals, and models.
await assert.rejects(chat.create({ model: "nobody", messages: said("Hello") }), OpenAI.NotFoundError);
const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ["helper"]);

console.log("good");
