import assert from "node:assert/strict";
import { errorOf, EventStreamReader, LiveConnection } from "../../../src/web/page/connection.js";

interface Stream {
  send(text: string): Promise<void>;
  end(): Promise<void>;
}

/** A connection with a simulated server and timers. */
class Scene {
  readonly states: string[] = [];
  readonly events: string[] = [];
  /** Pending timers with their milliseconds. */
  readonly timers = new Map<() => void, number>();
  readonly #asked: ((answer: Response | Error) => void)[] = [];
  #signal = new AbortController().signal;
  readonly connection = new LiveConnection({
    open: (signal) =>
      new Promise((resolve, reject) => {
        this.#signal = signal;
        signal.addEventListener("abort", () => reject(signal.reason));
        this.#asked.push((answer) => answer instanceof Error ? reject(answer) : resolve(answer));
      }),
    timeoutMs: 25_000,
    setTimer: (ms, act) => {
      this.timers.set(act, ms);
      return () => void this.timers.delete(act);
    },
    onEvent: ({ name, data }) => this.events.push(`${name} ${data}`),
    onState: (state, reason) => this.states.push(`${state} ${reason}`.trim()),
  });

  get attempts(): number {
    return this.#asked.length;
  }

  /** Responds to the last request. */
  async answer(answer: Response | Error): Promise<void> {
    this.#asked.at(-1)?.(answer);
    await settled();
  }

  /** Responds with a stream that stays open until it is ended or aborted. */
  async stream(): Promise<Stream> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    this.#signal.addEventListener("abort", () => void writer.abort().catch(() => {}));
    const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
    await this.answer(new Response(readable as BodyInit, { headers }));
    return {
      send: async (text) => {
        await writer.write(new TextEncoder().encode(text));
        await settled();
      },
      end: async () => {
        await writer.close();
        await settled();
      },
    };
  }

  /** Fires the only timer. Returns its milliseconds. */
  async fireTimer(): Promise<number> {
    const [[act, ms] = [(): void => {}, -1], ...others] = this.timers;
    assert.equal(others.length, 0);
    this.timers.delete(act);
    act();
    await settled();
    return ms;
  }
}

/** Resolves when all pending promises have settled. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("events are passed on as they arrive, and the page reconnects when the stream ends", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const first = await scene.stream();
  assert.deepEqual(scene.states, ["connecting"]);
  await first.send("event: view\ndata: {}\n\nevent: up");
  await first.send("date\ndata: 1\n\n");
  assert.deepEqual(scene.events, ["view {}", "update 1"]);
  assert.deepEqual(scene.states, ["connecting", "live"]);
  await first.end();
  assert.deepEqual(scene.states, ["connecting", "live", "away"]);
  assert.equal(await scene.fireTimer(), 500);
  assert.equal(scene.attempts, 2);
  const second = await scene.stream();
  await second.send("event: view\ndata: 2\n\n");
  assert.equal(scene.states.at(-1), "live");
  scene.connection.close();
  await running;
  assert.equal(scene.states.length, 4);
});

Deno.test("while the server is away, attempts become less frequent, unless one is requested", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    await scene.answer(new Error("refused"));
    pauses.push(await scene.fireTimer());
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 3000, 5000, 5000, 5000]);
  assert.deepEqual(scene.states, ["connecting", "away"]);
  await scene.answer(new Error("refused"));
  const before = scene.attempts;
  scene.connection.retry();
  await settled();
  assert.equal(scene.attempts, before + 1);
  await scene.answer(new Error("refused"));
  // A requested attempt resets the delay.
  assert.equal(await scene.fireTimer(), 500);
  scene.connection.close();
  await running;
});

Deno.test("a silent connection is closed", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const { send } = await scene.stream();
  await send("event: view\ndata: {}\n\n");
  await send(": still here\n\n");
  assert.equal(await scene.fireTimer(), 25_000);
  assert.deepEqual(scene.states, ["connecting", "live", "away"]);
  assert.equal(await scene.fireTimer(), 500);
  assert.equal(scene.attempts, 2);
  scene.connection.close();
  await running;
});

Deno.test("without a token, the page does not reconnect until it is logged in", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  await scene.answer(Response.json({ error: "A token is required." }, { status: 401 }));
  assert.deepEqual(scene.states, ["connecting", "denied A token is required."]);
  assert.equal(scene.timers.size, 0);
  scene.connection.retry();
  await settled();
  assert.equal(scene.attempts, 2);
  scene.connection.close();
  await running;
});

Deno.test("an error is reported in the server's words", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  await scene.answer(Response.json({ error: "Not from there." }, { status: 403 }));
  assert.equal(scene.states.at(-1), "refused Not from there.");
  scene.connection.close();
  await running;
  assert.equal(
    await errorOf(new Response("<html>", { status: 502 })),
    "The server responded with status 502. If a reverse proxy serves this page, it must pass on all paths " +
      "below it to aiotest.",
  );
});

const STREAM = ': hello\n\nevent: view\ndata: {"a":\ndata: 1}\n\nid: 7\ndata:plain\r\n\r\n' +
  "event: nothing\n\n: beat\n\nevent:log\ndata: {}\n\n";
const EVENTS = [
  { name: "view", data: '{"a":\n1}' },
  { name: "message", data: "plain" },
  { name: "log", data: "{}" },
];

Deno.test("a stream is parsed however it is split", () => {
  assert.deepEqual(new EventStreamReader().push(STREAM), EVENTS);
  for (let at = 0; at <= STREAM.length; at += 1) {
    const reader = new EventStreamReader();
    const events = [...reader.push(STREAM.slice(0, at)), ...reader.push(STREAM.slice(at))];
    assert.deepEqual(events, EVENTS, `cut at ${at}`);
  }
  const reader = new EventStreamReader();
  assert.deepEqual([...STREAM].flatMap((character) => reader.push(character)), EVENTS);
});

Deno.test("an incomplete event is ignored", () => {
  assert.deepEqual(new EventStreamReader().push("event: view\ndata: {}\n"), []);
});

Deno.test("a page that a proxy returns instead of the stream is named", async () => {
  const scene = new Scene();
  void scene.connection.run();
  const headers = { "Content-Type": "text/html" };
  await scene.answer(new Response("<html>", { headers }));
  assert.deepEqual(scene.states.slice(0, 2), [
    "connecting",
    "refused The server returned text/html instead of events. If a reverse proxy serves this page, " +
    "it must pass on all paths below it to aiotest.",
  ]);
  scene.connection.close();
});
