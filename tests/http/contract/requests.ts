import assert from "node:assert/strict";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

/** Methods, URLs, headers and responses. */
export function requestContract(contract: Contract): void {
  contract("each method is sent and counted", async (world) => {
    const { target, session, samples } = world;
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
  });

  contract("a request is named by its path, or by its name", async (world) => {
    const { target, session, samples } = world;
    target.route("/search", () => new Response("x"));
    await session.get("/search?q=1#top");
    await session.get(`${target.url}/search?q=2`);
    await session.get("search", { params: { q: 3 } });
    await session.get("/search", { name: "by name" });
    assert.deepEqual(samples.map(({ name }) => name), ["/search", "/search", "/search", "by name"]);
    assert.deepEqual(target.requests.map(({ query }) => query.get("q")), ["1", "2", "3", null]);
  });

  contract("params are appended to the query, and arrays repeat", async ({ target, session }) => {
    target.route("/search", () => new Response("x"));
    const params = { q: "F 22&", tag: ["a", "b"], page: 2, none: undefined };
    await session.get("/search?sort=up", { params });
    assert.equal(target.last.query.toString(), "sort=up&q=F+22%26&tag=a&tag=b&page=2");
    await session.get("/search", { params: new URLSearchParams([["a", "1"], ["a", "2"]]) });
    assert.equal(target.last.query.toString(), "a=1&a=2");
  });

  contract("headers arrive in the order in which they were given", async ({ session }) => {
    let head = "";
    await using server = new RawServer(async (connection) => {
      head = await connection.readHead() ?? "";
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const headers: [string, string][] = [["X-Zoo", "1"], ["X-Ant", "2"], ["X-Bee", "3"]];
    await session.get(server.url, { headers });
    const own = head.split("\r\n").filter((line) => /^x-/i.test(line));
    assert.deepEqual(own.map((line) => line.toLowerCase()), ["x-zoo: 1", "x-ant: 2", "x-bee: 3"]);
  });

  contract("headers can be a record, pairs or Headers", async ({ target, session }) => {
    target.route("/", () => new Response("x"));
    for (
      const headers of [
        { "x-a": "b" },
        [["x-a", "b"]] as [string, string][],
        new Headers({ "x-a": "b" }),
      ]
    ) {
      await session.get("/", { headers });
      assert.equal(target.last.headers.get("x-a"), "b");
    }
  });

  contract("a Host header replaces the URL's", async ({ target, session }) => {
    target.route("/", () => new Response("x"));
    await session.get("/", { headers: { Host: "shop.test" } });
    assert.equal(target.last.headers.get("host"), "shop.test");
  });

  contract("auth and credentials in the URL use Basic authentication", async (world) => {
    const { target, session } = world;
    target.route("/", () => new Response("x"));
    await session.get("/", { auth: ["jürgen", "p:w"] });
    assert.equal(target.last.headers.get("authorization"), "Basic asO8cmdlbjpwOnc=");
    await session.get(`${target.url.replace("//", "//jo%20e:pw@")}/`);
    assert.equal(target.last.headers.get("authorization"), "Basic am8gZTpwdw==");
    for (const password of ["50%off", "a%2", "%FF"]) {
      const { samples } = world;
      const res = await session.get(`${target.url.replace("//", `//me:${password}@`)}/`);
      const bytes = `me:${password.replace("%FF", "\xff")}`;
      assert.equal(target.last.headers.get("authorization"), `Basic ${btoa(bytes)}`);
      assert.equal(`${samples.at(-1)!.name} ${res.url}`, `/ ${target.url}/`);
    }
    await session.get("/", { auth: ["a", "b"], headers: { Authorization: "Bearer x" } });
    assert.equal(target.last.headers.get("authorization"), "Bearer x");
  });

  contract("the response has status, headers and body", async ({ target, session }) => {
    const headers = { "x-kind": "a", "content-type": "application/json" };
    target.route("/", () => new Response('{"found":"ü"}', { status: 201, headers }));
    const res = await session.get("/?a=1");
    assert.equal(res.status, 201);
    assert.equal(res.ok, true);
    assert.equal(res.headers.get("X-Kind"), "a");
    assert.equal(res.url, `${target.url}/?a=1`);
    assert.equal(res.redirected, false);
    assert.equal(await res.text(), '{"found":"ü"}');
    assert.deepEqual(await res.json(), { found: "ü" });
    assert.deepEqual(await res.bytes(), new TextEncoder().encode('{"found":"ü"}'));
  });

  contract("responses to HEAD, 204 and 304 have no body", async ({ session, samples }) => {
    const heads = [
      "200 OK\r\nContent-Length: 7",
      "204 No Content",
      "304 Not Modified\r\nContent-Length: 9",
    ];
    await using server = new RawServer(async (connection) => {
      for (const head of heads) {
        await connection.readHead();
        await connection.write(`HTTP/1.1 ${head}\r\n\r\n`);
      }
    });
    const head = await session.head(server.url);
    const empty = await session.get(server.url);
    const unchanged = await session.get(server.url);
    assert.deepEqual([head.status, empty.status, unchanged.status], [200, 204, 304]);
    assert.deepEqual([await head.text(), await empty.text(), await unchanged.text()], ["", "", ""]);
    assert.deepEqual(samples.map(({ bytesReceived }) => bytesReceived), [0, 0, 0]);
    assert.deepEqual(samples.map(({ error }) => error), [null, null, null]);
    assert.equal(server.connections, 1);
  });

  contract("interim responses are skipped", async ({ session }) => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      await connection.write(`${early}${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
    });
    const res = await session.get(server.url);
    assert.equal(res.status, 200);
    assert.equal(await res.text(), "ok");
  });
}
