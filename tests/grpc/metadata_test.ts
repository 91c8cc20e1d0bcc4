import assert from "node:assert/strict";
import { GrpcMetadata, metadataProblem } from "../../src/grpc/metadata.ts";

Deno.test("metadata has texts, and bytes for names that end in -bin", () => {
  const metadata = new GrpcMetadata({ "X-Tenant": "a", "x-key-bin": new Uint8Array([0, 255, 1]) });
  metadata.append("x-tenant", " b ");
  assert.equal(metadata.get("X-TENANT"), "a");
  assert.equal(metadata.getBytes("x-tenant"), undefined);
  assert.deepEqual(metadata.getAll("x-tenant"), ["a", "b"]);
  assert.deepEqual(metadata.getBytes("x-key-bin"), new Uint8Array([0, 255, 1]));
  assert.deepEqual(metadata.pairs, [["x-tenant", "a"], ["x-tenant", "b"], ["x-key-bin", "AP8B"]]);
  metadata.set("x-tenant", "c");
  metadata.delete("x-key-bin");
  assert.deepEqual([...metadata], [["x-tenant", "c"]]);
  assert.equal(metadata.has("x-key-bin"), false);
});

Deno.test("what a response has besides metadata is left out", () => {
  const metadata = GrpcMetadata.received([
    ["content-type", "application/grpc"],
    ["grpc-status", "0"],
    ["grpc-status-details-bin", "CAU"],
    ["x-a", "1, 2"],
    ["x-key-bin", "AP8B, AQ=="],
    ["x-bad-bin", "*"],
  ]);
  assert.deepEqual([...metadata], [
    ["grpc-status-details-bin", new Uint8Array([8, 5])],
    ["x-a", "1, 2"],
    ["x-key-bin", new Uint8Array([0, 255, 1])],
    ["x-key-bin", new Uint8Array([1])],
    ["x-bad-bin", "*"],
  ]);
});

Deno.test("metadata that cannot be sent is refused, and named", () => {
  const cases: readonly (readonly [init: unknown, problem: RegExp | null])[] = [
    [{}, null],
    [{ "x-a": ["1", "2"] }, null],
    [null, /^metadata: null, expected an object/],
    ["x", /expected an object/],
    [[["x", "1"]], /expected an object/],
    [new Map([["x", "1"]]), /expected an object/],
    [{ "a b": "1" }, /^metadata: the name is 'a b', expected letters/],
    [{ "grpc-timeout": "1S" }, /^metadata: grpc-timeout is not a name for metadata/],
    [{ "Content-Type": "x" }, /^metadata: content-type is not a name for metadata/],
    [{ "x-a": 1 }, /^metadata: x-a is 1, expected a string of printable ASCII characters$/],
    [{ "x-a": "ü" }, /x-a is 'ü', expected .*-bin$/],
    [{ "x-a": "1\n" }, /x-a is '1\\n'/],
    [{ "x-a-bin": "1" }, /^metadata: x-a-bin is '1', expected a Uint8Array/],
  ];
  for (const [init, problem] of cases) {
    const text = metadataProblem(init);
    if (problem === null) assert.equal(text, null);
    else assert.match(text ?? "", problem);
  }
});
