import assert from "node:assert/strict";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function streamOf(...pieces: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
}

/** Bodies of requests. */
export function bodyContract(contract: Contract): void {
  contract(
    "json, form, text and bytes arrive as what they are",
    async ({ target, session, samples }) => {
      target.route("/", () => new Response("x"));
      await session.post("/", { json: { amount: 100, list: ["ü"] } });
      await session.post("/", { json: null });
      await session.post("/", { form: { user: "a b", tag: ["x", "y"] } });
      await session.post("/", { body: "plain ü" });
      await session.post("/", { body: new Uint8Array([0, 255, 13, 10]) });
      await session.post("/", { body: new Uint8Array([9, 1, 2, 9]).subarray(1, 3) });
      await session.post("/", { body: new Uint8Array([7, 8]).buffer });
      await session.post("/", { body: new URLSearchParams({ a: "b" }) });
      const seen = target.requests.map((
        { headers, body },
      ) => [headers.get("content-type"), text(body)]);
      assert.deepEqual(seen.slice(0, 4), [
        ["application/json", '{"amount":100,"list":["ü"]}'],
        ["application/json", "null"],
        ["application/x-www-form-urlencoded", "user=a+b&tag=x&tag=y"],
        ["text/plain;charset=UTF-8", "plain ü"],
      ]);
      assert.deepEqual([...target.requests[4]!.body], [0, 255, 13, 10]);
      assert.equal(target.requests[4]!.headers.get("content-type"), null);
      assert.deepEqual([...target.requests[5]!.body], [1, 2]);
      assert.deepEqual([...target.requests[6]!.body], [7, 8]);
      assert.deepEqual(seen[7], ["application/x-www-form-urlencoded", "a=b"]);
      assert.deepEqual(
        samples.map(({ bytesSent }) => bytesSent),
        target.requests.map(({ body }) => body.length),
      );
    },
  );

  contract("a content type that the test sets is kept", async ({ target, session }) => {
    target.route("/", () => new Response("x"));
    await session.post("/", { json: {}, headers: { "Content-Type": "application/vnd.api+json" } });
    assert.equal(target.last.headers.get("content-type"), "application/vnd.api+json");
  });

  contract("FormData arrives with its files", async ({ target, session, samples }) => {
    target.route("/", () => new Response("x"));
    const body = new FormData();
    body.set("name", "ü");
    body.set("file", new File(["content"], "a.txt", { type: "text/x-test" }));
    await session.post("/", { body });
    const { headers, body: bytes } = target.last;
    const parsed = await new Response(bytes, { headers }).formData();
    assert.equal(parsed.get("name"), "ü");
    const file = parsed.get("file");
    assert.ok(file instanceof File);
    assert.equal(`${file.name} ${file.type} ${await file.text()}`, "a.txt text/x-test content");
    assert.equal(samples[0]!.bytesSent, bytes.length);
  });

  contract("a stream is sent and counted", async ({ target, session, samples }) => {
    target.route("/", () => new Response("x"));
    const chunks = Array.from({ length: 100 }, (_, index) => new Uint8Array(1000).fill(index));
    await session.post("/", { body: ReadableStream.from(chunks) });
    assert.equal(target.last.body.length, 100_000);
    assert.equal(target.last.body[54_321], 54);
    assert.equal(samples[0]!.bytesSent, 100_000);
  });

  contract("a stream with its own Content-Length is sent as it is", async (world) => {
    const { target, session, samples } = world;
    target.route("/", () => new Response("x"));
    for (const pieces of [["hello"], ["he", "", "llo"], []]) {
      const length = String(pieces.join("").length);
      await session.put("/", { body: streamOf(...pieces), headers: { "Content-Length": length } });
      assert.equal(text(target.last.body), pieces.join(""));
      assert.equal(samples.at(-1)!.bytesSent, Number(length));
      // fetch sends an empty stream in chunks.
      if (length === "0") continue;
      assert.equal(target.last.headers.get("content-length"), length);
      assert.equal(target.last.headers.get("transfer-encoding"), null);
    }
    assert.equal(target.connections, 1);
  });

  contract("a stream of another length than its Content-Length is BAD_REQUEST", async (world) => {
    const { target, session, samples } = world;
    target.route("/", () => new Response("x"));
    await using server = new RawServer((connection) => connection.readToEnd());
    const rows: [pieces: string[], message: RegExp][] = [
      [[], /ended after 0 of the 5 bytes of its Content-Length/],
      [["he"], /ended after 2 of the 5 bytes/],
      [["hello", "world"], /more than the 5 bytes/],
      [["hello world"], /more than the 5 bytes/],
    ];
    for (const [pieces, message] of rows) {
      const headers = { "content-length": "5" };
      await assert.rejects(session.put(server.url, { body: streamOf(...pieces), headers }), {
        code: "BAD_REQUEST",
        message,
      });
      assert.equal(samples.at(-1)!.error, "BAD_REQUEST");
    }
    // The user continues.
    assert.equal((await session.put("/", { body: "x" })).status, 200);
  });

  contract(
    "headers that contradict the body are BAD_REQUEST, and nothing is sent",
    async (world) => {
      const { target, session } = world;
      const rows: [headers: Record<string, string>, body: string | undefined, message: RegExp][] = [
        [{ "Content-Length": "4" }, "hello", /Content-Length is 4, but the body has 5 bytes/],
        [{ "Content-Length": "4" }, undefined, /Content-Length is 4, but there is no body/],
        [{ "Content-Length": "five" }, "hello", /Content-Length is "five", expected one number/],
        [{ "Transfer-Encoding": "gzip" }, "hello", /"gzip", but the last coding must be chunked/],
        [{ "Transfer-Encoding": "chunked", "Content-Length": "5" }, "hello", /exclude each other/],
      ];
      for (const [headers, body, message] of rows) {
        await assert.rejects(session.post("/", { body, headers }), {
          code: "BAD_REQUEST",
          message,
        });
      }
      assert.equal(target.requests.length, 0);
    },
  );

  contract("a body is sent in chunks if Transfer-Encoding says so", async (world) => {
    const { session, samples } = world;
    const seen: string[] = [];
    await using server = new RawServer(async (connection) => {
      for (;;) {
        const head = await connection.readHead();
        if (head === null) return;
        const coding = /\r\ntransfer-encoding: (.*)\r\n/i.exec(head)?.[1];
        seen.push(`${coding} ${/content-length/i.test(head)} ${await connection.readText(15)}`);
        await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }
    });
    for (const coding of ["chunked", "gzip, Chunked"]) {
      for (const body of ["hello", streamOf("hello")]) {
        await session.put(server.url, { body, headers: { "Transfer-Encoding": coding } });
        assert.equal(seen.pop(), `${coding} false 5\r\nhello\r\n0\r\n\r\n`);
        assert.equal(samples.at(-1)!.bytesSent, 5);
      }
    }
  });

  contract("a form gets its boundary, a Blob its type, also with own headers", async (world) => {
    const { target, session } = world;
    target.route("/", () => new Response("x"));
    const body = new FormData();
    body.set("a", "1");
    for (const type of ["multipart/form-data", "multipart/form-data; boundary=old; charset=x"]) {
      await session.post("/", { body, headers: { "Content-Type": type } });
      const parsed = await new Response(target.last.body, { headers: target.last.headers })
        .formData();
      assert.equal(parsed.get("a"), "1");
    }
    await session.post("/", { body: new Blob(["x"], { type: "image/png" }) });
    assert.equal(target.last.headers.get("content-type"), "image/png");
    await session.post("/", { form: { a: 1 }, headers: { "content-type": "text/x" } });
    assert.equal(target.last.headers.get("content-type"), "text/x");
  });

  contract("own headers replace those that aiotest adds", async ({ target, session }) => {
    target.route("/", () => new Response("x"));
    const headers = {
      accept: "text/x",
      "accept-encoding": "zstd",
      "user-agent": "me",
      host: "virtual.test",
      te: "trailers",
      range: "bytes=0-1",
    };
    await session.get("/", { headers });
    for (const [name, value] of Object.entries(headers)) {
      assert.equal(target.last.headers.get(name), value);
    }
    // A part of a compressed body could not be decoded.
    await session.get("/", { headers: { range: "bytes=0-1" } });
    assert.equal(target.last.headers.get("accept-encoding"), "identity");
  });

  contract("a large body arrives completely", async ({ target, session, samples }) => {
    target.route("/", ({ body }) => new Response(body));
    const body = new Uint8Array(3_000_000).map((_, index) => index % 251);
    const res = await session.put("/", { body });
    assert.deepEqual(await res.bytes(), body);
    assert.equal(samples[0]!.bytesSent, 3_000_000);
    assert.equal(samples[0]!.bytesReceived, 3_000_000);
  });

  contract("a GET can have a body", async ({ session, samples }) => {
    let body = "";
    await using server = new RawServer(async (connection) => {
      await connection.readHead();
      body = await connection.readText(15);
      await connection.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
    await session.get(server.url, { json: { query: "all" } });
    assert.equal(body, '{"query":"all"}');
    assert.equal(samples[0]!.bytesSent, 15);
  });

  contract(
    "two bodies are refused, and nothing is sent or counted",
    async ({ target, session, samples }) => {
      await assert.rejects(
        session.post("/", { json: {}, body: "x" }),
        { name: "TypeError", message: "a request has one body, but json and body are given" },
      );
      assert.equal(target.requests.length, 0);
      assert.equal(samples.length, 0);
    },
  );

  contract("a failing body stream is BAD_REQUEST", async (world) => {
    world.target.route("/", () => new Response("x"));
    const broken = new ReadableStream<Uint8Array>({
      pull: () => Promise.reject(new Error("the file is gone")),
    });
    await assert.rejects(
      world.session.post("/", { body: broken }),
      { code: "BAD_REQUEST", message: /the file is gone/ },
    );
    assert.equal(world.sample.error, "BAD_REQUEST");
  });
}
