import assert from "node:assert/strict";
import { testBundle } from "../../src/cli/test_bundle.ts";
import type { FileBundle } from "../../src/cluster/files.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost } from "../support/fake_host.ts";

const MIB = 1024 * 1024;

/** A machine with these files, by their names in the folder `/home/me`. */
function machine(files: Readonly<Record<string, string>>): FakeHost {
  const entries = Object.entries(files).map(([name, text]) => [`/home/me/${name}`, text]);
  return new FakeHost({ files: Object.fromEntries(entries) });
}

function bundleOf(host: FakeHost, path = "shop.ts", files?: unknown): Promise<FileBundle> {
  return testBundle(host, path, files === undefined ? {} : { files });
}

function namesOf({ list }: FileBundle): string[] {
  return list.files.map(({ path }) => path);
}

async function refusal(host: FakeHost, files?: unknown): Promise<string> {
  try {
    await bundleOf(host, "shop.ts", files);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error("it was taken");
}

Deno.test("modules that a module imports go with it, and theirs, each once", async () => {
  const host = machine({
    "shop.ts": `import "./lib/a.ts"; import "npm:x"; import "./data.json" with { type: "json" };`,
    "lib/a.ts": `export * from "./deep/b.ts"; import "../shop.ts";`,
    "lib/deep/b.ts": `const c = await import("../a.ts?again"); import("./not there.ts");`,
    "data.json": `{ "text": "import './lib/other.ts'" }`,
    "lib/other.ts": "",
  });
  const bundle = await bundleOf(host);
  assert.deepEqual(namesOf(bundle), ["data.json", "lib/a.ts", "lib/deep/b.ts", "shop.ts"]);
  assert.deepEqual([bundle.list.entry, bundle.list.origin], ["shop.ts", "/home/me"]);
});

Deno.test("modules beside the test file's folder go with it, too", async () => {
  const host = machine({
    "tests/load/shop.ts": `import "../../lib/a.ts";`,
    "lib/a.ts": "",
  });
  const bundle = await bundleOf(host, "tests/load/shop.ts");
  assert.deepEqual(namesOf(bundle), ["lib/a.ts", "tests/load/shop.ts"]);
  assert.deepEqual([bundle.list.entry, bundle.list.origin], ["tests/load/shop.ts", "/home/me"]);
});

Deno.test("data files go with the test file that names them", async () => {
  const host = machine({
    "shop.ts": "",
    "accounts.csv": "1",
    "data/a.json": "2",
    "data/b.json": "3",
    "secret.txt": "4",
  });
  const files = ["accounts.csv", "data/*.json", "data/a.json"];
  const bundle = await bundleOf(host, "shop.ts", files);
  assert.deepEqual(namesOf(bundle), ["accounts.csv", "data/a.json", "data/b.json", "shop.ts"]);
  assert.equal(new TextDecoder().decode(bundle.chunk(0)), "123");
});

Deno.test("the hash changes with every file that goes along", async () => {
  const files = { "shop.ts": `import "./lib.ts"; /* files */`, "lib.ts": "1", "data.csv": "1" };
  const hashOf = async (changes: Readonly<Record<string, string>>): Promise<string> =>
    (await bundleOf(machine({ ...files, ...changes }), "shop.ts", ["data.csv"])).hash;
  const hash = await hashOf({});
  assert.equal(await hashOf({ "other.txt": "1" }), hash);
  assert.notEqual(await hashOf({ "lib.ts": "2" }), hash);
  assert.notEqual(await hashOf({ "data.csv": "2" }), hash);
});

Deno.test("files that are no list of names are a mistake", async () => {
  const host = machine({ "shop.ts": "" });
  for (const files of ["accounts.csv", [1], {}, null]) {
    assert.equal(
      await refusal(host, files),
      'What the test file exports as "files" is no list of names',
    );
  }
});

Deno.test("a link that leads out of the folder is refused", async () => {
  const host = machine({ "shop.ts": "", "accounts.csv": "" });
  host.links.set("/home/me/accounts.csv", "/home/me2/accounts.csv");
  assert.equal(
    await refusal(host, ["accounts.csv"]),
    "files: /home/me/accounts.csv is a link that leads out of the test file's folder",
  );
  host.links.set("/home/me/accounts.csv", "/home/me/real.csv");
  assert.deepEqual(namesOf(await bundleOf(host, "shop.ts", ["accounts.csv"])), [
    "accounts.csv",
    "shop.ts",
  ]);
});

Deno.test("in a folder that is reached by a link, links within it are taken", async () => {
  const host = machine({ "shop.ts": "", "accounts.csv": "" });
  host.links.set("/home/me/shop.ts", "/data/me/shop.ts");
  host.links.set("/home/me/accounts.csv", "/data/me/accounts.csv");
  assert.equal((await bundleOf(host, "shop.ts", ["accounts.csv"])).list.files.length, 2);
});

Deno.test("too much is refused before it is read", async () => {
  const host = machine({ "shop.ts": "", "big.bin": "" });
  host.sizes.set("/home/me/big.bin", 100 * MIB);
  host.readFile = (path) => {
    assert.notEqual(path, "/home/me/big.bin");
    return Promise.resolve(new Uint8Array(0));
  };
  assert.equal(
    await refusal(host, ["big.bin"]),
    "The test file cannot be sent to workers: /home/me/big.bin with 105 MB makes it 105 MB, " +
      "and 64 MiB are allowed",
  );
});

Deno.test("too many are refused", async () => {
  const names = Array.from({ length: 1000 }, (_, i) => [`data/${i}.json`, ""]);
  const host = machine({ "shop.ts": "", ...Object.fromEntries(names) });
  assert.match(
    await refusal(host, ["data/*"]),
    /^The test file cannot be sent to workers: .* is one file more, and 1000 files are allowed$/,
  );
});

Deno.test("a name that some systems do not take is refused by name", async () => {
  const host = machine({ "shop.ts": "", "a:b.csv": "" });
  assert.equal(
    await refusal(host, ["*.csv"]),
    'The test file cannot be sent to workers: "a:b.csv" has a character that some systems do not take',
  );
});

Deno.test("a file that cannot be read is named", async () => {
  const host = machine({ "shop.ts": "" });
  host.readFile = () => Promise.reject(new Deno.errors.PermissionDenied("not yours"));
  assert.equal(
    await refusal(host),
    "The test file cannot be sent to workers: /home/me/shop.ts cannot be read: PermissionDenied: not yours",
  );
});
