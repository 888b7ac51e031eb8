// What OpenAI's JavaScript client sees of the gateway; prints one JSON object.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.argv[2]}/v1`,
  apiKey: "none",
  maxRetries: 0,
  defaultHeaders: { "X-Launchworthy-Roles": "agent" },
});
const messages = [{ role: "user", content: "How long may I return shoes?" }];
const tools = [{ type: "function", function: { name: "search", parameters: { type: "object" } } }];
const seen = {};

const whole = await client.chat.completions.create({ model: "answer", messages });
seen.whole = whole.choices[0].message.content;

seen.pieces = [];
for await (const piece of await client.chat.completions.create({ model: "answer", messages, stream: true })) {
  if (piece.choices[0]?.delta?.content) seen.pieces.push(piece.choices[0].delta.content);
}

const called = await client.chat.completions
  .stream({ model: "answer", messages: [{ role: "user", content: "call" }], tools })
  .finalChatCompletion();
seen.calls = (called.choices[0].message.tool_calls ?? []).map((call) => call.function.name);
seen.withheld = called.choices[0].message.content;

const stopped = await client.chat.completions.create({
  model: "answer",
  messages: [{ role: "user", content: "BOMB" }],
});
seen.stopped = [stopped.choices[0].finish_reason, stopped.launchworthy.no_answer.policy];

const response = await client.responses.create({ model: "answer", input: "How long?" });
seen.response = response.output_text;

const stream = client.responses.stream({ model: "answer", input: "How long?" });
const final = await stream.finalResponse();
seen.streamed = final.output_text;

try {
  await client.chat.completions.create({ model: "other", messages });
} catch (error) {
  seen.error = [error.constructor.name, error.status, error.code];
}

try {
  for await (const _ of await client.chat.completions.create({
    model: "answer",
    messages: [{ role: "user", content: "half" }],
    stream: true,
  }));
} catch (error) {
  seen.half = error.code;
}

const controller = new AbortController();
const slow = await client.chat.completions.create(
  { model: "answer", messages: [{ role: "user", content: "slow" }], stream: true },
  { signal: controller.signal },
);
for await (const _ of slow) {
  controller.abort();
}
seen.aborted = controller.signal.aborted;

seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);

console.log(JSON.stringify(seen));
