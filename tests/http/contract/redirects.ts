import assert from "node:assert/strict";
import { redirect, Target } from "../../support/target.ts";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

/** Redirects. */
export function redirectContract(contract: Contract): void {
  contract("a chain of redirects is one request", async (world) => {
    const { target, session, clock } = world;
    target.route("/a", async () => {
      await clock.advance(10);
      return new Response("12345", { status: 302, headers: { location: "/b?x=1" } });
    });
    target.route("/b", async () => {
      await clock.advance(20);
      return redirect(307, "c");
    });
    target.route("/c", async () => {
      await clock.advance(30);
      return new Response("end");
    });
    const res = await session.get("/a");
    assert.equal(await res.text(), "end");
    assert.equal(res.url, `${target.url}/c`);
    assert.equal(res.redirected, true);
    assert.equal(res.latencyMs, 60);
    assert.deepEqual(target.requests.map(({ path }) => path), ["/a", "/b", "/c"]);
    const { name, method, status, latencyMs, bytesReceived, error } = world.sample;
    assert.deepEqual(
      { name, method, status, latencyMs, bytesReceived, error },
      { name: "/a", method: "GET", status: 200, latencyMs: 60, bytesReceived: 8, error: null },
    );
  });

  contract("redirects change method and body by status", async ({ target, session, samples }) => {
    target.route("/end", () => new Response("x"));
    const rows = [
      ["POST", 301, "GET"],
      ["POST", 302, "GET"],
      ["POST", 303, "GET"],
      ["POST", 307, "POST"],
      ["POST", 308, "POST"],
      ["PUT", 301, "PUT"],
      ["PUT", 302, "PUT"],
      ["PUT", 303, "GET"],
      ["DELETE", 302, "DELETE"],
      ["PATCH", 308, "PATCH"],
    ] as const;
    for (const [method, status, then] of rows) {
      target.route("/start", () => redirect(status, "/end"));
      await session.request(method, "/start", { json: { a: 1 }, headers: { "x-own": "y" } });
      const { headers, body } = target.last;
      assert.equal(target.last.method, then, `${method} ${status}`);
      assert.equal(body.length, then === "GET" ? 0 : 7, `${method} ${status}`);
      assert.equal(headers.get("content-type"), then === "GET" ? null : "application/json");
      assert.equal(headers.get("x-own"), "y");
      assert.equal(samples.at(-1)!.method, method);
      assert.equal(samples.at(-1)!.bytesSent, then === "GET" ? 7 : 14);
    }
  });

  contract("GET and HEAD keep their method", async ({ target, session }) => {
    target.route("/end", () => new Response("x"));
    for (const status of [301, 302, 303, 307, 308]) {
      target.route("/start", () => redirect(status, "/end"));
      await session.head("/start");
      assert.equal(target.last.method, "HEAD");
      await session.get("/start");
      assert.equal(target.last.method, "GET");
    }
    assert.equal(target.count("/end"), 10);
  });

  contract("a stream is not sent twice", async (world) => {
    const { target, session } = world;
    target.route("/start", () => redirect(307, "/end"));
    const body = ReadableStream.from([new Uint8Array(3)]);
    await assert.rejects(session.post("/start", { body }), { code: "BAD_REDIRECT" });
    assert.equal(target.count("/end"), 0);
    assert.equal(world.sample.error, "BAD_REDIRECT");
    assert.equal(world.sample.status, 0);
    assert.equal(world.sample.bytesSent, 3);
  });

  contract("credentials and Host are not sent to another origin", async ({ target, session }) => {
    await using other = new Target({ "/end": () => new Response("x") });
    target.route("/end", () => new Response("x"));
    target.route("/away", () => redirect(302, `${other.url}/end`));
    target.route("/home", () => redirect(302, "/end"));
    const headers = {
      authorization: "Bearer x",
      cookie: "a=b",
      "proxy-authorization": "y",
      host: "virtual.test",
      "x-own": "z",
    };
    const received = (target: Target): (string | null)[] =>
      Object.keys(headers).map((name) => target.last.headers.get(name));
    await session.get("/home", { headers });
    assert.deepEqual(received(target).toSpliced(2, 1), ["Bearer x", "a=b", "virtual.test", "z"]);
    await session.get("/away", { headers });
    assert.deepEqual(received(other), [null, null, null, new URL(other.url).host, "z"]);
    await session.get("/away", { auth: ["u", "p"] });
    assert.equal(other.last.headers.get("authorization"), null);
  });

  contract("20 redirects are followed, one more is TOO_MANY_REDIRECTS", async (world) => {
    const { target, session, samples } = world;
    const hop = (left: number): Response =>
      left === 0 ? new Response("x") : redirect(302, `/?left=${left - 1}`);
    target.route("/", ({ query }) => hop(Number(query.get("left"))));
    await session.get("/?left=20");
    assert.equal(target.requests.length, 21);
    await assert.rejects(session.get("/?left=21"), { code: "TOO_MANY_REDIRECTS" });
    assert.equal(target.requests.length, 42);
    assert.deepEqual(samples.map(({ error }) => error), [null, "TOO_MANY_REDIRECTS"]);
  });

  contract("with a limit of 1, the second redirect is TOO_MANY_REDIRECTS", async (world) => {
    const { session } = world.user({ maxRedirects: 1 });
    world.target.route("/", ({ query }) => {
      const left = Number(query.get("left"));
      return left === 0 ? new Response("x") : redirect(302, `/?left=${left - 1}`);
    });
    assert.equal((await session.get("/?left=1")).status, 200);
    await assert.rejects(session.get("/?left=2"), {
      code: "TOO_MANY_REDIRECTS",
      message: /over 1 redirect\b/,
    });
  });

  contract("with a limit of 0, a redirect is a response like others", async (world) => {
    const { session } = world.user({ maxRedirects: 0 });
    world.target.route("/", () => redirect(302, "/end"));
    const res = await session.get("/");
    assert.equal(res.status, 302);
    assert.equal(res.redirected, false);
    assert.equal(world.target.count("/end"), 0);
    assert.equal(world.sample.error, null);
  });

  contract(
    "a Location that cannot be requested is BAD_REDIRECT",
    async ({ target, session, samples }) => {
      for (const location of ["http://[", "ftp://127.0.0.1/", "javascript:alert(1)"]) {
        target.route("/", () => redirect(302, location));
        await assert.rejects(session.get("/"), { code: "BAD_REDIRECT" });
      }
      assert.deepEqual(samples.map(({ error }) => error), Array(3).fill("BAD_REDIRECT"));
    },
  );

  contract("a Location in UTF-8, or any other charset, is escaped byte by byte", async (world) => {
    const heads: string[] = [];
    const locations = ["/안녕?q=ü", "//127.0.0.1:PORT/ä"].map((text) =>
      new TextEncoder().encode(text)
    );
    locations.push(Uint8Array.from("/\xfc#x", (byte) => byte.charCodeAt(0)));
    await using server: RawServer = new RawServer(async (connection) => {
      for (const location of locations) {
        await connection.readHead();
        const text = String.fromCharCode(...location).replace("PORT", String(server.port));
        const head = `HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ${text}\r\n\r\n`;
        await connection.write(Uint8Array.from(head, (byte) => byte.charCodeAt(0)));
        heads.push(await connection.readHead() ?? "");
        await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }
    });
    for (const _ of locations) await world.session.get(server.url);
    assert.deepEqual(heads.map((head) => head.split(" ")[1]), [
      "/%EC%95%88%EB%85%95?q=%C3%BC",
      "/%C3%A4",
      "/%FC",
    ]);
  });

  contract("several Location headers: equal ones are one, empty ones are none", async (world) => {
    const { session, samples } = world;
    const answers = ["/x\r\nLocation: /x", "\r\nLocation: ", "/x\r\nLocation: http://127.0.0.1:1/"];
    let followed = 0;
    await using server = new RawServer(async (connection) => {
      for (;;) {
        const head = await connection.readHead();
        if (head === null) return;
        const index = head.indexOf("/?");
        if (index < 0) followed++;
        await connection.write(
          index < 0
            ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            : `HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ${
              answers[Number(head[index + 2])]
            }\r\n\r\n`,
        );
      }
    });
    assert.equal((await session.get(`${server.url}/?0`)).status, 200);
    assert.equal((await session.get(`${server.url}/?1`)).status, 302);
    await assert.rejects(session.get(`${server.url}/?2`), { code: "BAD_REDIRECT" });
    assert.equal(followed, 1);
    assert.deepEqual(samples.map(({ error }) => error), [null, null, "BAD_REDIRECT"]);
  });

  contract(
    "manual redirects, and 3xx without a location, are returned as responses",
    async (world) => {
      const { target, session } = world;
      target.route("/", () => redirect(302, "/end"));
      const res = await session.get("/", { redirect: "manual" });
      assert.equal(res.status, 302);
      assert.equal(res.headers.get("location"), "/end");
      assert.equal(res.redirected, false);
      target.route("/", () => new Response("x", { status: 302 }));
      assert.equal((await session.get("/")).status, 302);
      target.route("/", () => new Response(null, { status: 300, headers: { location: "/end" } }));
      assert.equal((await session.get("/")).status, 300);
      assert.equal(target.count("/end"), 0);
      assert.deepEqual(world.samples.map(({ error }) => error), [null, null, null]);
    },
  );
}
