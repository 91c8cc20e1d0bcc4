import assert from "node:assert/strict";
import { FetchTransport } from "../../src/http/fetch_transport.ts";
import { RequestError } from "../../src/http/request_error.ts";
import { SocketTransport } from "../../src/http/socket_transport.ts";
import { answeringOnce, RawServer } from "../support/raw_server.ts";
import { World } from "./contract/world.ts";
import { TRANSPORT_SETTINGS } from "../support/transport_settings.ts";

// The table in docs/http-users.md says what both user classes make of each of these responses.

const FIELDS = "Content-Length: 5\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

function fields(count: number): string {
  return Array.from({ length: count }, (_, index) => `X-${index}: v\r\n`).join("");
}

/** What the target sends, by its description in the table. */
const RESPONSES: Readonly<Record<string, string>> = {
  "lines that end with LF only": "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
  "a header that is folded into two lines": `HTTP/1.1 200 OK\r\nX: a\r\n b\r\n${FIELDS}\r\nhello`,
  "a space before the colon of a header":
    "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 5\r\n\r\nhello",
  "a header without a colon": `HTTP/1.1 200 OK\r\nnothing\r\n${FIELDS}\r\nhello`,
  "a control character in a header": `HTTP/1.1 200 OK\r\nX: a\x01b\r\n${FIELDS}\r\nhello`,
  "a status line without a reason": `HTTP/1.1 200\r\n${FIELDS}\r\nhello`,
  "a status of two digits": `HTTP/1.1 20 OK\r\n${FIELDS}\r\nhello`,
  "`HTTP/1.2` as the version": `HTTP/1.2 200 OK\r\n${FIELDS}\r\nhello`,
  "two equal `Content-Length`": `HTTP/1.1 200 OK\r\n${FIELDS}${FIELDS}\r\nhello`,
  "two different `Content-Length`": `HTTP/1.1 200 OK\r\n${FIELDS}Content-Length: 4\r\n\r\nhello`,
  "`Content-Length: 5, 5`": "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
  "`Content-Length: +5`": "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
  "`Transfer-Encoding` and `Content-Length`":
    `HTTP/1.1 200 OK\r\n${CHUNKED}${FIELDS}\r\n5\r\nhello\r\n0\r\n\r\n`,
  "`Transfer-Encoding` in HTTP/1.0": `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  "spaces after a chunk size": `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5  \r\nhello\r\n0\r\n\r\n`,
  "chunks whose lines end with LF only": `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\nhello\n0\n\n`,
  "a chunk size with `0x` before it": `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n0x5\r\nhello\r\n0\r\n\r\n`,
  "no last chunk": `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n`,
  "bytes after the response": `HTTP/1.1 200 OK\r\n${FIELDS}\r\nhello, world`,
  "100 headers": `HTTP/1.1 200 OK\r\n${fields(99)}${FIELDS}\r\nhello`,
  "200 headers": `HTTP/1.1 200 OK\r\n${fields(199)}${FIELDS}\r\nhello`,
  "300 headers": `HTTP/1.1 200 OK\r\n${fields(299)}${FIELDS}\r\nhello`,
  "a head of 60 KB": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(60_000)}\r\n${FIELDS}\r\nhello`,
  "a head of 70 KB": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}\r\n${FIELDS}\r\nhello`,
};

/** The table in the documentation: what `HttpUser` and `FastHttpUser` make of each response. */
async function documented(): Promise<Record<string, [string, string]>> {
  const page = await Deno.readTextFile(new URL("../../docs/http-users.md", import.meta.url));
  const section = page.split("\n## ").find((part) =>
    part.startsWith("Responses against the rules")
  );
  const rows = (section ?? "").split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return Object.fromEntries(rows.map(([name, http, fast]) => [name, [http, fast]]));
}

async function outcome(world: World, response: string): Promise<string> {
  await using server = new RawServer(answeringOnce(response));
  try {
    const text = await (await world.session.get(server.url)).text();
    return text === "hello" ? "accepted" : `${JSON.stringify(text)}`;
  } catch (error) {
    assert.ok(error instanceof RequestError);
    return `\`${error.code}\``;
  }
}

Deno.test("the documentation says what both classes make of responses against the rules", async () => {
  await using http = new World((clock, node) => new FetchTransport(clock, node.deadlines));
  await using fast = new World((clock, node) =>
    new SocketTransport(clock, node, { ...TRANSPORT_SETTINGS, tls: node.options.tls })
  );
  const actual: Record<string, [string, string]> = {};
  for (const [name, response] of Object.entries(RESPONSES)) {
    actual[name] = [await outcome(http, response), await outcome(fast, response)];
  }
  assert.deepEqual(await documented(), actual);
});
