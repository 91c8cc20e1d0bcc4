import assert from "node:assert/strict";
import { RequestError } from "../../../src/http/request_error.ts";
import type { HttpResponse } from "../../../src/http/http_response.ts";
import { IterationSlot } from "../../../src/user/iteration_slot.ts";
import { RawServer } from "../../support/raw_server.ts";
import { Target } from "../../support/target.ts";
import type { Contract } from "./world.ts";

/** A URL whose port nothing listens on. */
function closedUrl(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}/`;
}

function codeOf(result: HttpResponse | RequestError): string | number {
  return result instanceof RequestError ? result.code : result.status;
}

/** Holds back the answers of a target until as many requests as expected have arrived. */
function barrier(target: Target, path: string, expected: number): { most: () => number } {
  let most = 0;
  let waiting = 0;
  let { promise, resolve } = Promise.withResolvers<void>();
  target.route(path, async () => {
    most = Math.max(most, ++waiting);
    if (waiting === expected) {
      resolve();
      ({ promise, resolve } = Promise.withResolvers<void>());
      waiting = 0;
    } else await promise;
    return new Response("x");
  });
  return { most: () => most };
}

/** Requests in parallel. */
export function batchContract(contract: Contract): void {
  contract("a batch returns responses in the order of its requests", async (world) => {
    const { target, session, samples } = world;
    target.route("/slow", async () => {
      await world.clock.advance(20);
      return new Response("slow");
    });
    target.route("/form", ({ body }) => new Response(body, { status: 201 }));
    target.route("/fast", () => new Response("fast"));
    const checked: number[] = [];
    const results = await session.batch([
      "/slow?q=1",
      { method: "post", url: "/form", form: { a: 1 }, name: "the form" },
      ["GET", "/fast", {}, (res) => {
        checked.push(res.status);
        res.failure("not this");
      }],
    ]);
    const texts = results.map((result) => result instanceof RequestError ? null : result.text());
    assert.deepEqual(await Promise.all(texts), ["slow", "a=1", "fast"]);
    assert.deepEqual(results.map(codeOf), [200, 201, 200]);
    assert.deepEqual(checked, [200]);
    const counted = samples.map(({ method, name, error }) => `${method} ${name} ${error}`).sort();
    assert.deepEqual(counted, [
      "GET /fast not this",
      "GET /slow null",
      "POST the form null",
    ]);
    assert.deepEqual(await session.batch([]), []);
  });

  contract(
    "a batch has six requests in progress for an origin, or as many as it says",
    async (world) => {
      const { target, session, samples } = world;
      const six = barrier(target, "/six", 6);
      await session.batch(Array.from({ length: 18 }, () => "/six"));
      assert.equal(six.most(), 6);
      const connections = target.connections;
      assert.ok(connections <= 6, `${connections}`);
      await session.batch(Array.from({ length: 6 }, () => "/six"));
      assert.ok(target.connections <= 6, "the connections were kept");
      const two = barrier(target, "/two", 2);
      await session.batch(Array.from({ length: 4 }, () => "/two"), { perOrigin: 2 });
      assert.equal(two.most(), 2);
      await using other = new Target();
      // Each origin has its own limit: seven are in progress together.
      let waiting = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      const answer = async (): Promise<Response> => {
        if (++waiting === 7) resolve();
        await promise;
        return new Response("x");
      };
      target.route("/together", answer);
      other.route("/together", answer);
      const six_ = Array.from({ length: 6 }, () => "/together");
      await session.batch([...six_, `${other.url}/together`]);
      assert.equal(samples.length, 18 + 6 + 4 + 7);
    },
  );

  contract("a request of a batch that fails does not lose the others", async (world) => {
    const { target, session, samples } = world;
    target.route("/", () => new Response("x"));
    const results = await session.batch(["/", closedUrl(), "http://[", "/missing", "/"]);
    assert.deepEqual(results.map(codeOf), [200, "ECONNREFUSED", "BAD_REQUEST", 404, 200]);
    assert.deepEqual(results.map(({ status }) => status), [200, 0, 0, 404, 200]);
    assert.equal(samples.length, 5);
  });

  contract("an invalid request of a batch is refused before any is sent", async (world) => {
    const { target, session, samples } = world;
    const rows: [items: unknown, options: unknown, message: RegExp][] = [
      ["/", undefined, /^batch: '\/', expected a list$/],
      [["/", 1], undefined, /^batch: item 1: 1, expected a URL, \[method/],
      [["/", { url: "/", jsn: 1 }], undefined, /^batch: item 1: options: "jsn" is unknown; did/],
      [
        [["GET", "/", { auth: ["a", "b"] }, undefined, 5]],
        undefined,
        /^batch: item 0: a list of 5, expected a URL, \[method/,
      ],
      [[["GET"]], undefined, /^batch: item 0: url: undefined, expected a string$/],
      [[["GET", "/", 1]], undefined, /^batch: item 0: options: 1, expected an object$/],
      [[{ url: "/", check: 1 }], undefined, /^batch: item 0: check: 1, expected a function$/],
      [["/"], { perOrigin: 0 }, /^perOrigin: 0, expected a whole number of 1 or more$/],
      [["/"], { perHost: 1 }, /^batch: the option "perHost" is unknown; it has perOrigin$/],
    ];
    for (const [items, options, message] of rows) {
      await assert.rejects(session.batch(items as never, options as never), { message });
    }
    assert.equal(samples.length + target.requests.length, 0);
  });

  contract(
    "the requests that a batch starts at once begin when the iteration was due",
    async (world) => {
      const { target, clock, samples } = world;
      target.route("/", () => new Response("x"));
      const slot = new IterationSlot({
        scheduled: true,
        next: () => 100,
        cancel: () => {},
        began: () => {},
        ended: () => {},
        interrupted: () => {},
        declined: () => {},
      }, 0);
      await clock.advance(150);
      await slot.begin(clock, () => false);
      const { session } = world.user({ iterationSlot: slot });
      await session.batch(["/", "/", "/"], { perOrigin: 2 });
      await session.batch(["/"]);
      assert.deepEqual(samples.map(({ latencyMs }) => latencyMs), [50, 50, 0, 0]);
    },
  );

  contract("a batch that is cut off counts what it has sent as unfinished", async (world) => {
    let arrived = 0;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      if (++arrived === 6) resolve();
      await connection.readToEnd().catch(() => {});
    });
    const { session, abort } = world.user();
    const batch = session.batch(Array.from({ length: 8 }, () => server.url))
      .catch((error: unknown) => error);
    await all;
    await world.clock.advance(300);
    abort();
    assert.equal((await batch as { code: string }).code, "ABORTED");
    assert.equal(arrived, 6);
    assert.equal(world.samples.length, 0);
    assert.deepEqual(world.unfinished.map(({ ageMs }) => ageMs), [300, 300, 300, 300, 300, 300]);
  });
}
