import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { identity } from "../support/certificates.ts";
import { runAiotest } from "../support/process.ts";
import { answering, RawServer } from "../support/raw_server.ts";

/** Runs one FastHttpUser for a second against a URL. */
async function run(
  url: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ summary: Summary; code: number }> {
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    `import { FastHttpUser } from "aiotest";
    export class OneTest extends FastHttpUser {
      static override waitTime = 0.05;
      async testGet() { await this.session.get("/page?q=1"); }
    }`,
  );
  const json = `${cwd}/summary.json`;
  const { code, stderr } = await runAiotest(
    ["-H", url, "-t", "1", "--json", json, ...args],
    { cwd, env },
  );
  const text = await Deno.readTextFile(json).catch(() => "");
  await Deno.remove(cwd, { recursive: true });
  assert.notEqual(text, "", stderr);
  return { summary: JSON.parse(text), code };
}

Deno.test("a self-signed certificate is refused, unless --insecure is set", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...identity("self_signed") },
    () => new Response("secret"),
  );
  const url = `https://127.0.0.1:${server.addr.port}`;

  const strict = await run(url);
  assert.equal(strict.code, 1);
  assert.deepEqual(strict.summary.failures.map(({ error }) => error), ["TLS_UNTRUSTED"]);

  const { summary, code } = await run(url, ["--insecure"]);
  assert.equal(code, 0);
  assert.ok(summary.totals.requests >= 5, String(summary.totals.requests));
  assert.equal(summary.totals.bytesReceived, summary.totals.requests * 6);
  await server.shutdown();
});

Deno.test("with HTTP_PROXY, requests go to the proxy in absolute form, with its credentials", async () => {
  const heads: string[] = [];
  await using proxy = new RawServer(async (connection) => {
    for (let head; (head = await connection.readHead()) !== null;) {
      heads.push(head);
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  const env = { HTTP_PROXY: `http://me:pass@127.0.0.1:${proxy.port}` };
  const { summary, code } = await run("http://shop.invalid:8080", [], env);
  assert.equal(code, 0);
  assert.equal(summary.totals.requests, heads.length);
  assert.match(heads[0]!, /^GET http:\/\/shop\.invalid:8080\/page\?q=1 HTTP\/1\.1\r\n/);
  assert.match(heads[0]!, /\r\nhost: shop\.invalid:8080\r\n/i);
  assert.match(heads[0]!, new RegExp(`\r\nproxy-authorization: Basic ${btoa("me:pass")}\r\n`, "i"));
});

Deno.test("with NO_PROXY, requests go directly to their host", async () => {
  await using target = new RawServer(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const env = { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.1" };
  const { summary, code } = await run(target.url, [], env);
  assert.equal(code, 0);
  assert.equal(target.connections, 1);
  assert.ok(summary.totals.requests >= 5);
});

Deno.test("an invalid proxy is an error before the run starts", async () => {
  const cwd = await Deno.makeTempDir();
  const { code, stderr } = await runAiotest(
    ["quick", "http://127.0.0.1:1/", "-n", "1"],
    { cwd, env: { HTTP_PROXY: "not a proxy" } },
  );
  await Deno.remove(cwd);
  assert.equal(code, 2);
  assert.match(stderr, /HTTP_PROXY/);
  assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
});
