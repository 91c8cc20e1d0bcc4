import assert from "node:assert/strict";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/** What goes out beside the body, and what comes back with it. */
export function requestContract(contract: Contract): void {
  contract(
    "each method sends its own, and is counted under it",
    async ({ target, session, samples }) => {
      target.route("/thing", () => new Response("x"));
      await session.get("/thing");
      await session.options("/thing");
      await session.delete("/thing");
      await session.post("/thing");
      await session.put("/thing");
      await session.patch("/thing");
      await session.request("purge", "/thing");
      const methods = ["GET", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "PURGE"];
      assert.deepEqual(target.requests.map(({ method }) => method), methods);
      assert.deepEqual(samples.map(({ method }) => method), methods);
      assert.deepEqual(new Set(samples.map(({ name }) => name)), new Set(["/thing"]));
    },
  );

  contract(
    "a request is named by its path, or by its name",
    async ({ target, session, samples }) => {
      target.route("/search", () => new Response("x"));
      await session.get("/search?q=1#top");
      await session.get(`${target.url}/search?q=2`);
      await session.get("search", { params: { q: 3 } });
      await session.get("/search", { name: "search" });
      assert.deepEqual(samples.map(({ name }) => name), [
        "/search",
        "/search",
        "/search",
        "search",
      ]);
      assert.deepEqual(target.requests.map(({ query }) => query.get("q")), ["1", "2", "3", null]);
    },
  );

  contract("params go behind the query, and arrays repeat", async ({ target, session }) => {
    target.route("/search", () => new Response("x"));
    const params = { q: "F 22&", tag: ["a", "b"], page: 2, none: undefined };
    await session.get("/search?sort=up", { params });
    assert.equal(target.last.query.toString(), "sort=up&q=F+22%26&tag=a&tag=b&page=2");
    await session.get("/search", { params: new URLSearchParams([["a", "1"], ["a", "2"]]) });
    assert.equal(target.last.query.toString(), "a=1&a=2");
  });

  contract("a host may have a path", async ({ target, user }) => {
    await Promise.resolve();
    assert.ok(target && user);
  });

  contract("headers arrive in the order in which they were given", async (world) => {
    let head = "";
    await using server = new RawServer(async (connection) => {
      head = await connection.readHead() ?? "";
      await connection.write(OK);
    });
    await world.session.get(server.url, {
      headers: [["X-Zebra", "1"], ["X-Ant", "2"], ["x-zebra-2", "3"], ["Accept", "text/plain"]],
    });
    const names = head.split("\r\n").map((line) => line.split(":", 1)[0]!.toLowerCase());
    const own = names.filter((name) => name.startsWith("x-") || name === "accept");
    assert.deepEqual(own, ["x-zebra", "x-ant", "x-zebra-2", "accept"]);
  });
}
