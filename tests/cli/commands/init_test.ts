import assert from "node:assert/strict";
import { runInit } from "../../../src/cli/commands/init.ts";
import firstFiles from "../../../src/cli/first_files.json" with { type: "json" };
import { UsageError } from "../../../src/core/errors.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { refusal } from "../../support/init.ts";

const NAMES = ["aiotestfile.ts", "aiotest.d.ts", "deno.json"] as const;

Deno.test("init creates three files in the working directory", async () => {
  const host = new FakeHost({ args: ["init"] });
  assert.equal(await runInit(host), 0);
  assert.deepEqual([...host.files.keys()], NAMES.map((name) => `/home/me/${name}`));
  for (const name of NAMES) {
    assert.equal(host.files.get(`/home/me/${name}`), `${firstFiles[name].join("\n")}\n`);
  }
  assert.match(host.stdout.text, /^Created in \/home\/me:\n {2}aiotestfile\.ts {2}a first test/);
  assert.ok(!host.stdout.text.includes("  cd "));
});

Deno.test("a directory may be given, and appears in the next steps", async () => {
  const host = new FakeHost({ args: ["init", "load tests"] });
  assert.equal(await runInit(host), 0);
  assert.deepEqual([...host.files.keys()], NAMES.map((name) => `/home/me/load tests/${name}`));
  assert.ok(host.stdout.text.endsWith('  cd "load tests"\n  aiotest -u 10 -r 10 -t 10s\n'));
});

for (const name of NAMES) {
  Deno.test(`init does not overwrite ${name}`, async () => {
    const path = `/home/me/a/${name}`;
    assert.equal(
      await refusal({ args: ["init", "a"], files: { [path]: "mine" } }),
      `${path} already exists, and init does not overwrite files`,
    );
  });
}

Deno.test("a file that was created in the meantime is not overwritten", async () => {
  const host = new FakeHost({ args: ["init"], files: { "/home/me/aiotest.d.ts": "mine" } });
  host.isFile = () => Promise.resolve(false);
  await assert.rejects(runInit(host), /^UsageError: \/home\/me\/aiotest\.d\.ts already exists/);
  assert.equal(host.files.get("/home/me/aiotest.d.ts"), "mine");
});

Deno.test("a directory that cannot be written is reported with the reason", async () => {
  const host = new FakeHost({ args: ["init"] });
  host.createTextFile = () => Promise.reject(new Deno.errors.PermissionDenied("read-only"));
  await assert.rejects(runInit(host), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /^cannot write \/home\/me\/aiotestfile\.ts: .*read-only$/);
    return true;
  });
});

Deno.test("if one file cannot be written, the others are removed, so that init can be repeated", async () => {
  const host = new FakeHost({ args: ["init"] });
  const create = host.createTextFile.bind(host);
  host.createTextFile = (path, text) =>
    path.endsWith("deno.json")
      ? Promise.reject(Object.assign(new Error("disk full"), { code: "ENOSPC" }))
      : create(path, text);
  await assert.rejects(runInit(host), {
    name: "UsageError",
    message: "cannot write /home/me/deno.json: no space left on the device",
  });
  assert.deepEqual([...host.files.keys()], []);
});

Deno.test("invalid arguments are refused", async () => {
  assert.equal(
    await refusal({ args: ["init", "a", "b"] }),
    "init: expected one directory, but there is a second one: b",
  );
  assert.equal(await refusal({ args: ["init", ""] }), "init: the directory name is empty");
  assert.equal(
    await refusal({ args: ["init", "a.ts"], files: { "/home/me/a.ts": "" } }),
    "/home/me/a.ts is a file, not a directory",
  );
  assert.equal(
    await refusal({ args: ["init", "--users", "5"] }),
    "--users: unknown option",
  );
});
