import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { RequestError } from "../../../src/http/request_error.ts";
import type {
  BodyFlow,
  BodyReader,
  Transport,
  WireRequest,
  WireResponse,
} from "../../../src/http/transport.ts";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract, World } from "./world.ts";

const decoder = new TextDecoder();

/** A request that reads its response while it arrives, and writes down what happens. */
class StreamedRequest implements WireRequest, BodyReader {
  readonly method = "GET";
  readonly headers = [];
  readonly body = null;
  readonly reader = this;
  readonly counter = { retries: 0, phases: null };
  url = new URL("about:blank");
  sentAt = 0;
  /** `begun`, `piece`, `received` and `failed CODE`, with successive pieces once. */
  readonly events: string[] = [];
  readonly ended: Promise<void>;
  text = "";
  bytes = 0;
  head: WireResponse | null = null;
  response: WireResponse | null = null;
  flow: BodyFlow | null = null;
  deadline = Infinity;
  /** Whether the body is wanted as it arrives. */
  wantsBody = true;
  onBegun: () => void = () => {};
  onPiece: () => void = () => {};
  readonly #end: () => void;
  #waiting: (() => void)[] = [];

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  send(transport: Transport, url: string, sentAt: number): this {
    this.url = new URL(url);
    this.sentAt = sentAt;
    transport.exchange(this);
    return this;
  }

  /** Waits until this many bytes have arrived. */
  async has(bytes: number): Promise<void> {
    while (this.bytes < bytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  begun(response: WireResponse, flow: BodyFlow): boolean {
    this.head = response;
    this.flow = flow;
    this.#add("begun");
    this.onBegun();
    return this.wantsBody;
  }

  piece(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes += bytes.length;
    if (this.bytes < 1_000_000) this.text += decoder.decode(bytes);
    this.#add("piece");
    this.onPiece();
  }

  received(response: WireResponse): void {
    this.response = response;
    this.#add("received");
    this.#end();
  }

  failed({ code }: RequestError): void {
    this.#add(`failed ${code}`);
    this.#end();
  }

  #add(event: string): void {
    if (event !== "piece" || this.events.at(-1) !== "piece") this.events.push(event);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A response whose body is sent piece by piece. */
class SlowBody {
  readonly response: Response;
  /** Resolves when the client wants no more of it. */
  readonly left: Promise<void>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(headers: HeadersInit = {}) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#controller = controller;
    };
    this.response = new Response(new ReadableStream({ start, cancel: () => resolve() }), {
      headers,
    });
  }

  send(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller.close();
  }
}

function request(world: World, transport: Transport, path: string): StreamedRequest {
  return new StreamedRequest().send(transport, world.target.url + path, world.clock.now());
}

/** Responses that are read while they arrive. */
export function streamContract(contract: Contract): void {
  contract("a body is handed over while it arrives", async (world) => {
    const slow = new SlowBody({ "x-kind": "slow" });
    world.target.route("/", () => slow.response);
    const transport = world.transport();
    const one = request(world, transport, "/");
    slow.send("first");
    await one.has(5);
    assert.equal(one.text, "first");
    assert.equal(one.head!.status, 200);
    assert.equal(one.head!.headers.get("x-kind"), "slow");
    slow.send("second");
    await one.has(11);
    slow.end();
    await one.ended;
    assert.deepEqual(one.events, ["begun", "piece", "received"]);
    assert.equal(one.text, "firstsecond");
    assert.equal(one.response!.bytesReceived, 11);
    assert.equal(one.response!.bytes().length, 0);
  });

  contract("a body that is there at once is handed over, too", async (world) => {
    world.target.route("/", () => new Response("all of it"));
    world.target.route("/empty", () => new Response(null, { status: 204 }));
    const transport = world.transport();
    const one = request(world, transport, "/");
    await one.ended;
    assert.deepEqual(one.events, ["begun", "piece", "received"]);
    assert.equal(one.text, "all of it");
    assert.equal(one.response!.bytesReceived, 9);
    const empty = request(world, transport, "/empty");
    await empty.ended;
    assert.deepEqual(empty.events, ["begun", "received"]);
    assert.equal(empty.response!.status, 204);
  });

  contract("a body that its reader does not want is kept", async (world) => {
    const slow = new SlowBody();
    world.target.route("/", () => slow.response);
    world.target.route("/at-once", () => new Response("kept"));
    const transport = world.transport();
    const one = new StreamedRequest();
    one.wantsBody = false;
    const begun = Promise.withResolvers<void>();
    one.onBegun = begun.resolve;
    one.send(transport, `${world.target.url}/`, 0);
    slow.send("ke");
    await begun.promise;
    slow.send("pt");
    slow.end();
    const two = new StreamedRequest();
    two.wantsBody = false;
    two.send(transport, `${world.target.url}/at-once`, 0);
    for (const kept of [one, two]) {
      await kept.ended;
      assert.deepEqual(kept.events, ["begun", "received"]);
      assert.equal(kept.response!.text(), "kept");
    }
  });

  contract("the pieces have the codings that the head names", async (world) => {
    const wire = new Uint8Array(gzipSync("x".repeat(5000)));
    const headers = { "content-encoding": "gzip", "cache-control": "no-transform" };
    world.target.route("/", () => new Response(wire, { headers }));
    const one = request(world, world.transport(), "/");
    await one.ended;
    // Native fetch decodes gzip itself.
    assert.equal(one.bytes, one.head!.contentCoding() === "gzip" ? wire.length : 5000);
  });

  contract("a paused body makes its server wait, and loses nothing", async (world) => {
    const size = 64 * 1024 * 1024;
    const chunk = new Uint8Array(65_536);
    let left = size;
    world.target.route("/", () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            controller.enqueue(chunk);
            left -= chunk.length;
            if (left === 0) controller.close();
          },
        }),
      ));
    const one = new StreamedRequest();
    const paused = Promise.withResolvers<void>();
    one.onPiece = () => {
      one.onPiece = () => {};
      one.flow!.pause();
      paused.resolve();
    };
    one.send(world.transport(), `${world.target.url}/`, 0);
    await paused.promise;
    await quiet(() => left);
    assert.ok(left > 0, "the whole body was sent");
    one.flow!.resume();
    await one.ended;
    assert.equal(one.bytes, size);
    assert.deepEqual(one.events, ["begun", "piece", "received"]);
  });

  contract("a reader can end the exchange, and its user sends others", async (world) => {
    const slow = new SlowBody();
    world.target.route("/", () => slow.response);
    world.target.route("/next", () => new Response("next"));
    const transport = world.transport();
    const one = request(world, transport, "/");
    slow.send("first");
    await one.has(5);
    one.flow!.cancel();
    await one.ended;
    assert.deepEqual(one.events, ["begun", "piece", "failed ABORTED"]);
    await slow.left;
    const next = request(world, transport, "/next");
    // Nothing of the past steers what is under way now.
    one.flow!.cancel();
    one.flow!.pause();
    await next.ended;
    assert.equal(next.text, "next");
    one.flow!.resume();
    const cancelled = new StreamedRequest();
    cancelled.onBegun = () => cancelled.flow!.cancel();
    await cancelled.send(transport, `${world.target.url}/next`, 0).ended;
    assert.deepEqual(cancelled.events, ["begun", "failed ABORTED"]);
  });

  contract("a body that is cut off was handed over as far as it arrived", async (world) => {
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.");
    });
    const one = new StreamedRequest().send(world.transport(), server.url, 0);
    await one.ended;
    assert.deepEqual(one.events, ["begun", "piece", "failed INCOMPLETE_BODY"]);
    assert.equal(one.text, "ten bytes.");
  });

  contract("a reader can change the time limit when the response has begun", async (world) => {
    const slow = new SlowBody();
    world.target.route("/", () => slow.response);
    const transport = world.transport();
    const one = new StreamedRequest();
    one.deadline = 1_000;
    one.onBegun = () => one.deadline = 10_000;
    one.send(transport, `${world.target.url}/`, 0);
    slow.send("first");
    await one.has(5);
    await world.clock.advance(9_000);
    slow.send("second");
    await one.has(11);
    await world.clock.advance(2_000);
    await one.ended;
    assert.deepEqual(one.events, ["begun", "piece", "failed TIMEOUT"]);
  });
}

/** Waits until a value does not change for a while. */
async function quiet(value: () => number): Promise<void> {
  for (let before = NaN; before !== value();) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
