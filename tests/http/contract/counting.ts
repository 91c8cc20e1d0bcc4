import assert from "node:assert/strict";
import type { HttpResponse } from "../../../src/http/http_response.ts";
import type { Contract } from "./world.ts";

/** How responses are counted. */
export function countingContract(contract: Contract): void {
  contract("a sample has exact values", async (world) => {
    const { target, session, clock } = world;
    target.route("/pay", async () => {
      await clock.advance(25);
      return new Response("12345");
    });
    await clock.advance(1000);
    const res = await session.post("/pay", { body: "123" });
    assert.equal(res.latencyMs, 25);
    const { method, name, status, latencyMs, endedAt, bytesReceived, bytesSent, retries, error } =
      world.sample;
    assert.deepEqual(
      { method, name, status, latencyMs, endedAt, bytesReceived, bytesSent, retries, error },
      {
        method: "POST",
        name: "/pay",
        status: 200,
        latencyMs: 25,
        endedAt: 1025,
        bytesReceived: 5,
        bytesSent: 3,
        retries: 0,
        error: null,
      },
    );
  });

  contract("a status of 400 or more is a failure, and the response is returned", async (world) => {
    for (const status of [399, 400, 404, 500, 599]) {
      world.target.route("/", () => new Response("x", { status }));
      const res = await world.session.get("/");
      assert.equal(res.status, status);
    }
    assert.deepEqual(
      world.samples.map(({ status, error }) => [status, error]),
      [[399, null], [400, "HTTP 400"], [404, "HTTP 404"], [500, "HTTP 500"], [599, "HTTP 599"]],
    );
  });

  contract(
    "a check that throws makes the request fail, but the request resolves",
    async (world) => {
      world.target.route("/", () => new Response("x"));
      const res = await world.session.get("/", {}, async (res) => {
        assert.equal(await res.text(), "y", "not y");
      });
      assert.equal(res.status, 200);
      await world.session.get("/", {}, () => {
        throw new TypeError("sync");
      });
      await world.session.get("/", {}, () => Promise.reject("odd"));
      assert.deepEqual(world.samples.map(({ error }) => error), [
        "not y 'x' !== 'y'",
        "TypeError: sync",
        "odd",
      ]);
      assert.deepEqual(world.samples.map(({ status }) => status), [200, 200, 200]);
    },
  );

  contract("a check can decide, and its last call counts", async (world) => {
    world.target.route("/", () => new Response("x", { status: 500 }));
    const checks: ((res: HttpResponse) => unknown)[] = [
      (res) => res.success(),
      (res) => res.failure("why"),
      (res) => {
        res.failure("why");
        res.success();
      },
      (res) => {
        res.failure("why");
        throw new Error("and then it threw");
      },
      (res) => {
        res.success();
        throw new Error("and then it threw");
      },
      async (res) => {
        await res.text();
        res.success();
      },
      (res) => res.failure(""),
      () => {},
    ];
    for (const check of checks) await world.session.get("/", {}, check);
    assert.deepEqual(
      world.samples.map(({ error }) => error),
      [null, "why", null, "why", "and then it threw", null, "failed", "HTTP 500"],
    );
  });

  contract("the duration of a check is not measured", async (world) => {
    const { target, session, clock } = world;
    target.route("/", async () => {
      await clock.advance(10);
      return new Response("x");
    });
    await session.get("/", {}, () => clock.advance(500));
    assert.equal(world.sample.latencyMs, 10);
    assert.equal(world.sample.endedAt, 10);
  });

  contract("a counted request can no longer be changed", async (world) => {
    world.target.route("/", () => new Response("x"));
    const unchecked = await world.session.get("/");
    assert.throws(() => unchecked.success(), /already been counted/);
    const checked = await world.session.get("/", {}, () => {});
    assert.throws(() => checked.failure("late"), /already been counted/);
    assert.deepEqual(world.samples.map(({ error }) => error), [null, null]);
  });
}
