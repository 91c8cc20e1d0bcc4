import { type ByteStream, writeAll } from "../core/byte_stream.ts";
import type { Origin } from "./origin.ts";
import type { Proxy } from "./proxies.ts";
import { WireError } from "./wire_error.ts";

/** The most that a proxy may say before the tunnel is there. */
const MAX_HEAD = 65_536;

/**
 * Asks a proxy to pass bytes on to an origin; when this resolves, the stream leads there. Rejects
 * with a WireError: `ECONNREFUSED` where the proxy refuses, `BAD_RESPONSE` where its answer is not
 * HTTP; what the stream itself is rejected with passes through.
 *
 * @param stream a new connection to the proxy.
 */
export async function openTunnel(stream: ByteStream, proxy: Proxy, origin: Origin): Promise<void> {
  await writeAll(stream, connectRequest(proxy, origin));
  const head = await readHead(stream);
  const [, status, reason] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head) ?? [];
  if (status === undefined) {
    throw new WireError("BAD_RESPONSE", "the answer to CONNECT is not HTTP");
  }
  if (status.startsWith("2")) return;
  throw new WireError("ECONNREFUSED", `it answered ${status} ${reason ?? ""}`.trimEnd());
}

function connectRequest(proxy: Proxy, origin: Origin): Uint8Array<ArrayBuffer> {
  const { hostname, port } = origin;
  const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const authorization = proxy.authorization === null
    ? ""
    : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`;
  return new TextEncoder().encode(head);
}

async function readHead(stream: ByteStream): Promise<string> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(4096);
  for (let head = ""; head.length < MAX_HEAD;) {
    const count = await stream.read(buffer);
    if (count === null) {
      throw new WireError("ECONNRESET", "it closed the connection before it answered CONNECT");
    }
    head += decoder.decode(buffer.subarray(0, count));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    // In TLS the client speaks first, so nothing can have come from the origin yet. A refusal may
    // well have a body, which nobody needs.
    if (end + 4 < head.length && head.startsWith("2", 9)) {
      throw new WireError("BAD_RESPONSE", "something came behind the answer to CONNECT");
    }
    return head;
  }
  throw new WireError("BAD_RESPONSE", "the answer to CONNECT is too long");
}
