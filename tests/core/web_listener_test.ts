import assert from "node:assert/strict";
import { serveWeb } from "../../src/core/web_listener.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };

Deno.test("requests are answered at a free port, and told where they come from", async () => {
  const listener = serveWeb(LOCAL, ({ url }, address) => {
    return new Response(`${new URL(url).pathname} ${address}`);
  });
  const response = await fetch(`http://127.0.0.1:${listener.port}/a`);
  assert.equal(await response.text(), "/a 127.0.0.1");
  await listener.close();
  await assert.rejects(fetch(`http://127.0.0.1:${listener.port}/a`));
});

Deno.test("a port that is taken is said to be", async () => {
  const listener = serveWeb(LOCAL, () => new Response());
  const { port } = listener;
  assert.throws(
    () => serveWeb({ ...LOCAL, port }, () => new Response()),
    Deno.errors.AddrInUse,
  );
  await listener.close();
});

Deno.test("what a handler throws is told to nobody", async () => {
  const listener = serveWeb(LOCAL, () => {
    throw new Error("secret");
  });
  const response = await fetch(`http://127.0.0.1:${listener.port}/`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "");
  await listener.close();
});

Deno.test("closing does not wait for a client that does not read", async () => {
  const chunk = new Uint8Array(1 << 20);
  const listener = serveWeb(LOCAL, () => {
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
  });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await conn.read(new Uint8Array(16));
  await listener.close();
  conn.close();
});
