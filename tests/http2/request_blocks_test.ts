import assert from "node:assert/strict";
import { Proxies } from "../../src/http/proxies.ts";
import { requestTarget } from "../../src/http/request_encoder.ts";
import type { HeaderPairs, WireRequest } from "../../src/http/transport.ts";
import { DEFAULT_TABLE_SIZE, HpackDecoder } from "../../src/http2/hpack.ts";
import { RequestBlocks } from "../../src/http2/request_blocks.ts";

const URL_OF_ALL = new URL("http://127.0.0.1:8000/shop.Catalog/GetItem");

function request(headers: HeaderPairs, length: number): WireRequest {
  return {
    method: "POST",
    url: URL_OF_ALL,
    headers,
    body: new Uint8Array(length),
    reader: null,
    deadline: Infinity,
    sentAt: 0,
    counter: { retries: 0, phases: null },
    received: () => {},
    failed: () => {},
  };
}

Deno.test("a block is encoded again for another length, except in gRPC, whose heads have none", () => {
  const target = requestTarget(URL_OF_ALL, new Proxies(() => undefined));
  for (const type of ["application/json", "application/grpc+proto"]) {
    const blocks = new RequestBlocks();
    const headers: HeaderPairs = [["te", "trailers"], ["content-type", type]];
    const decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, 65_536);
    const names = [7, 7, 700].map((length) => {
      const { block } = blocks.of(request(headers, length), target);
      return decoder.decode(block, 0, block.length).map(([name]) => name);
    });
    const isGrpc = type !== "application/json";
    for (const name of ["content-length", "accept", "accept-encoding"]) {
      assert.equal(names[2]!.includes(name), !isGrpc, `${type} ${name}`);
    }
    const before = blocks.of(request(headers, 700), target);
    assert.equal(blocks.of(request(headers, 700), target), before);
    assert.equal(blocks.of(request(headers, 70), target) === before, isGrpc);
  }
});
