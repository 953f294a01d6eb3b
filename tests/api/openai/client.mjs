// What people do with the package `openai`.

import assert from "node:assert";
import OpenAI from "openai";

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

// Refusals, and models.
await assert.rejects(chat.create({ model: "nobody", messages: said("Hello") }), OpenAI.NotFoundError);
const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ["helper"]);

console.log("good");
