import assert from "node:assert/strict";
import { listHash, PartialBundle } from "../../src/cluster/files.ts";
import { AiotestError } from "../../src/core/errors.ts";
import { bundled, bundleOf } from "../support/bundles.ts";

const FILES = [bundled("data/a.csv", "1,2"), bundled("empty.txt", ""), bundled("shop.ts", "test")];
const bundle = bundleOf(...FILES);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether it says why the test file was not taken. */
function refusal(reason: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof AiotestError && error.exitCode === 4 &&
    error.message === `The master's test file was not taken: ${reason}`;
}

Deno.test("what comes in pieces is put together", () => {
  const receipt = new PartialBundle(bundle.list, bundle.hash);
  assert.deepEqual([receipt.size, receipt.received, receipt.complete], [7, 0, false]);
  assert.equal(receipt.take({ type: "CHUNK", offset: 0, data: bytes("1,2te") }), true);
  assert.equal(receipt.received, 5);
  assert.equal(receipt.take({ type: "CHUNK", offset: 5, data: bytes("st") }), true);
  assert.equal(receipt.complete, true);
  assert.deepEqual(receipt.files(), FILES);
});

Deno.test("what comes twice, or out of its place, is not taken", () => {
  const receipt = new PartialBundle(bundle.list, bundle.hash);
  const [first, second] = [
    { type: "CHUNK", offset: 0, data: bytes("1,2") },
    { type: "CHUNK", offset: 3, data: bytes("test") },
  ] as const;
  assert.equal(receipt.take(second), false);
  assert.equal(receipt.take(first), true);
  assert.equal(receipt.take(first), false);
  assert.equal(receipt.take(second), true);
  assert.equal(receipt.take(second), false);
  assert.deepEqual(receipt.files(), FILES);
});

Deno.test("a list with a path that leads out is refused, whatever its hash", () => {
  const [file] = bundle.list.files;
  for (const path of ["../evil.ts", "/etc/cron.d/evil", "a/../../evil", "C:\\evil", "evil\0"]) {
    const list = { ...bundle.list, files: [...bundle.list.files, { ...file!, path }] };
    assert.throws(
      () => new PartialBundle(list, listHash(list)),
      (error) => error instanceof AiotestError && /names files that cannot/.test(error.message),
    );
  }
});

Deno.test("what a master names goes into a log as plain text", () => {
  const list = { ...bundle.list, files: [{ ...bundle.list.files[0]!, path: "../\x1b[2J" }] };
  assert.throws(
    () => new PartialBundle(list, listHash(list)),
    refusal(
      'it names files that cannot be taken: "../\\u001b[2J" has a character that some systems do not take',
    ),
  );
});

Deno.test("a list that is not what the master has vouched for is refused", () => {
  const list = { ...bundle.list, entry: "empty.txt" };
  assert.throws(
    () => new PartialBundle(list, bundle.hash),
    refusal("the list of its files was changed on the way"),
  );
});

Deno.test("more bytes than there are to be are refused", () => {
  const receipt = new PartialBundle(bundle.list, bundle.hash);
  assert.throws(
    () => receipt.take({ type: "CHUNK", offset: 0, data: bytes("1,2test!") }),
    refusal("it has more bytes than its files"),
  );
});

Deno.test("a file that is not what the list says is refused by name", () => {
  const receipt = new PartialBundle(bundle.list, bundle.hash);
  receipt.take({ type: "CHUNK", offset: 0, data: bytes("1,2evil") });
  assert.throws(() => receipt.files(), refusal("shop.ts was changed on the way"));
});
