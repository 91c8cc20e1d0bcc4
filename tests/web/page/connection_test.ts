import assert from "node:assert/strict";
import { errorOf, EventStreamReader, LiveConnection } from "../../../src/web/page/connection.js";

interface Stream {
  send(text: string): Promise<void>;
  end(): Promise<void>;
}

/** A server that is asked again and again, and a clock that a test turns. */
class Scene {
  readonly told: string[] = [];
  readonly events: string[] = [];
  /** Milliseconds that it waited for, of timers that are still there. */
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
    onState: (state, reason) => this.told.push(`${state} ${reason}`.trim()),
  });

  get attempts(): number {
    return this.#asked.length;
  }

  /** Answers the last question, and lets everything that follows happen. */
  async answer(answer: Response | Error): Promise<void> {
    this.#asked.at(-1)?.(answer);
    await settled();
  }

  /** Answers with a stream that stays open until it is ended, or the page gives it up. */
  async stream(): Promise<Stream> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    this.#signal.addEventListener("abort", () => void writer.abort().catch(() => {}));
    await this.answer(new Response(readable as BodyInit));
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

  /** The one timer that runs; lets its time come. */
  async iteration(): Promise<number> {
    const [[act, ms] = [(): void => {}, -1], ...others] = this.timers;
    assert.equal(others.length, 0);
    this.timers.delete(act);
    act();
    await settled();
    return ms;
  }
}

/** Resolves when all promises that can have come to something have. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("events are handed on as they come, and the connection is made again when it ends", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const first = await scene.stream();
  assert.deepEqual(scene.told, ["connecting"]);
  await first.send("event: view\ndata: {}\n\nevent: up");
  await first.send("date\ndata: 1\n\n");
  assert.deepEqual(scene.events, ["view {}", "update 1"]);
  assert.deepEqual(scene.told, ["connecting", "live"]);
  await first.end();
  assert.deepEqual(scene.told, ["connecting", "live", "away"]);
  assert.equal(await scene.iteration(), 500);
  assert.equal(scene.attempts, 2);
  const second = await scene.stream();
  await second.send("event: view\ndata: 2\n\n");
  assert.equal(scene.told.at(-1), "live");
  scene.connection.close();
  await running;
  assert.equal(scene.told.length, 4);
});

Deno.test("while nobody answers, it tries ever less often, but at once when it is told to", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    await scene.answer(new Error("refused"));
    pauses.push(await scene.iteration());
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 3000, 5000, 5000, 5000]);
  assert.deepEqual(scene.told, ["connecting", "away"]);
  await scene.answer(new Error("refused"));
  const before = scene.attempts;
  scene.connection.retry();
  await settled();
  assert.equal(scene.attempts, before + 1);
  await scene.answer(new Error("refused"));
  // As often as in the beginning: whoever told it to may know more.
  assert.equal(await scene.iteration(), 500);
  scene.connection.close();
  await running;
});

Deno.test("a server that falls silent is gone", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  const { send } = await scene.stream();
  await send("event: view\ndata: {}\n\n");
  await send(": still here\n\n");
  assert.equal(await scene.iteration(), 25_000);
  assert.deepEqual(scene.told, ["connecting", "live", "away"]);
  assert.equal(await scene.iteration(), 500);
  assert.equal(scene.attempts, 2);
  scene.connection.close();
  await running;
});

Deno.test("who is asked for a token does not try again until there is one", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  await scene.answer(Response.json({ error: "A token is needed." }, { status: 401 }));
  assert.deepEqual(scene.told, ["connecting", "denied A token is needed."]);
  assert.equal(scene.timers.size, 0);
  scene.connection.retry();
  await settled();
  assert.equal(scene.attempts, 2);
  scene.connection.close();
  await running;
});

Deno.test("a refusal is told in the server's words", async () => {
  const scene = new Scene();
  const running = scene.connection.run();
  await scene.answer(Response.json({ error: "Not from there." }, { status: 403 }));
  assert.equal(scene.told.at(-1), "refused Not from there.");
  scene.connection.close();
  await running;
  assert.equal(
    await errorOf(new Response("<html>", { status: 502 })),
    "The server responded with status 502.",
  );
});

const STREAM = ': hello\n\nevent: view\ndata: {"a":\ndata: 1}\n\nid: 7\ndata:plain\r\n\r\n' +
  "event: nothing\n\n: beat\n\nevent:log\ndata: {}\n\n";
const EVENTS = [
  { name: "view", data: '{"a":\n1}' },
  { name: "message", data: "plain" },
  { name: "log", data: "{}" },
];

Deno.test("a stream's events are told however it is cut", () => {
  assert.deepEqual(new EventStreamReader().push(STREAM), EVENTS);
  for (let at = 0; at <= STREAM.length; at += 1) {
    const reader = new EventStreamReader();
    const events = [...reader.push(STREAM.slice(0, at)), ...reader.push(STREAM.slice(at))];
    assert.deepEqual(events, EVENTS, `cut at ${at}`);
  }
  const reader = new EventStreamReader();
  assert.deepEqual([...STREAM].flatMap((character) => reader.push(character)), EVENTS);
});

Deno.test("an event that was not ended is none", () => {
  assert.deepEqual(new EventStreamReader().push("event: view\ndata: {}\n"), []);
});
