// A language model behind an API like that of OpenAI: how long users wait for the first token, and how fast the others
// follow. Set the key in the environment: LLM_API_KEY=… aiotest -f llm_tokens.ts -u 20 -t 5m
import process from "node:process";
import { between, FastHttpUser, metrics } from "aiotest";

const KEY = process.env.LLM_API_KEY ?? "";
const MODEL = process.env.LLM_MODEL ?? "small";
const PROMPTS = [
  "Why is the sky blue?",
  "Write a haiku about queues.",
  "Name three prime numbers.",
];

const tokens = metrics.counter("tokens");
// The first event of such an API has no token, so this is more than stream_first_event_ms.
const firstToken = metrics.trend("first_token_ms", { unit: "ms" });

export const thresholds = ["first_token_ms.p95<2000", "stream_events_per_second.min>=5"];

export class ChatTest extends FastHttpUser {
  static override host = "http://127.0.0.1:8000";
  static override waitTime = between(1, 2);
  static override headers = { authorization: `Bearer ${KEY}` };

  async testAsk(): Promise<void> {
    const content = PROMPTS[this.iteration % PROMPTS.length];
    const json = { model: MODEL, stream: true, messages: [{ role: "user", content }] };
    await this.session.stream(
      "POST",
      "/v1/chat/completions",
      { json, timeout: 60 },
      async (res) => {
        // An error is no stream; reports show what it says.
        if (!res.ok) return res.failure(`HTTP ${res.status}: ${(await res.text()).slice(0, 80)}`);
        let answer = "";
        let isDone = false;
        for await (const { data, atMs } of res.events()) {
          // The end of the response follows. If the test left the loop here, it would close the connection.
          if (data === "[DONE]") isDone = true;
          const token = isDone ? "" : JSON.parse(data).choices[0]?.delta.content ?? "";
          if (token === "") continue;
          if (answer === "") firstToken.add(atMs);
          answer += token;
          tokens.add();
        }
        if (!isDone) res.failure("the answer is not complete");
        res.check("has an answer", answer !== "");
      },
    );
  }
}
