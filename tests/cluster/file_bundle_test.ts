import fc from "fast-check";
import assert from "node:assert/strict";
import { encodeMessage } from "../../src/cluster/codec.ts";
import {
  FileBundle,
  listHash,
  listProblem,
  MAX_BYTES,
  MAX_FILES,
  sha256,
  sizeOf,
} from "../../src/cluster/files.ts";
import type { FilesMessage } from "../../src/cluster/protocol.ts";
import { bundled, bundleOf } from "../support/bundles.ts";

const NOTHING = new Uint8Array(0);

function listOf(...paths: string[]): FilesMessage {
  const files = paths.map((path) => ({ path, size: 1, sha256: NOTHING }));
  return { type: "FILES", entry: paths[0] ?? "", origin: "/home/me", files };
}

Deno.test("the hash is the same for the same files, in whatever order, and another for any others", () => {
  const [shop, data] = [bundled("shop.ts", "one"), bundled("data.csv", "two")];
  const { hash, list } = bundleOf(shop, data);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(listHash(list), hash);
  assert.equal(bundleOf(data, shop).hash, hash);
  assert.equal(new FileBundle({ entry: "shop.ts", origin: "/x", files: [shop, data] }).hash, hash);
  assert.notEqual(bundleOf(shop).hash, hash);
  assert.notEqual(bundleOf(shop, bundled("data.csv", "Two")).hash, hash);
  assert.notEqual(bundleOf(shop, bundled("Data.csv", "two")).hash, hash);
  const other = new FileBundle({ entry: "data.csv", origin: "/home/me", files: [shop, data] });
  assert.notEqual(other.hash, hash);
});

Deno.test("chunks, one behind the other, are the files in the order of the list", () => {
  const file = fc.uint8Array({ maxLength: 400_000 });
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 4 }), (all) => {
      const files = all.map((bytes, i) => ({ path: `f${i}`, bytes: new Uint8Array(bytes) }));
      const bundle = new FileBundle({ entry: "f0", origin: "", files });
      const out = new Uint8Array(bundle.size);
      let at = 0;
      for (let chunk = bundle.chunk(0); chunk.length > 0; chunk = bundle.chunk(at)) {
        assert.ok(chunk.length <= 512 * 1024);
        out.set(chunk, at);
        at += chunk.length;
      }
      assert.equal(at, bundle.size);
      const expected = new Uint8Array(files.flatMap(({ bytes }) => [...bytes]));
      assert.equal(sha256(out).toHex(), sha256(expected).toHex());
    }),
    { numRuns: 20 },
  );
});

Deno.test("nothing comes from behind the end", () => {
  const bundle = bundleOf(bundled("shop.ts", "one"));
  assert.equal(bundle.chunk(3).length, 0);
  assert.equal(bundle.chunk(Number.MAX_SAFE_INTEGER).length, 0);
});

Deno.test("files that cannot lie in one folder everywhere are no bundle", () => {
  assert.equal(listProblem(listOf("a.ts", "b/c.ts")), null);
  assert.equal(listProblem(listOf("a.ts", "../b.ts")), '"../b.ts" leads out of its folder');
  assert.equal(listProblem(listOf()), "the test file is not among the files");
  assert.equal(
    listProblem(listOf("a.ts", "A.ts")),
    '"A.ts" is there twice, on some systems at least',
  );
  assert.equal(listProblem(listOf("a", "a/b")), '"a" is a file and a folder');
  assert.equal(
    listProblem({ ...listOf("a.ts"), entry: "b.ts" }),
    "the test file is not among the files",
  );
  assert.throws(() => bundleOf(bundled("shop.ts", ""), bundled("/x", "")), RangeError);
});

Deno.test("there may be 64 MiB and 1,000 files, and no more", () => {
  const many = listOf(...Array.from({ length: MAX_FILES }, (_, i) => `f${i}`));
  assert.equal(listProblem(many), null);
  const more = listOf(...many.files.map(({ path }) => path), "more");
  assert.equal(listProblem(more), "1001 files are more than 1000");
  const full = { ...listOf("a"), files: [{ path: "a", size: MAX_BYTES, sha256: NOTHING }] };
  assert.equal(listProblem(full), null);
  const over = { ...full, files: [...full.files, { path: "b", size: 1, sha256: NOTHING }] };
  assert.equal(sizeOf(over.files), 67_108_865);
  assert.equal(listProblem(over), "67108865 bytes are more than 64 MiB");
});

Deno.test("the longest list fits into one message", () => {
  const files = Array.from({ length: MAX_FILES }, (_, i) => ({
    path: `${i}`.padEnd(240, "日"),
    size: MAX_BYTES,
    sha256: new Uint8Array(32),
  }));
  const frame = encodeMessage({ type: "FILES", entry: "0", origin: "x".repeat(1000), files });
  assert.ok(frame.length < 1024 * 1024, String(frame.length));
});
