import assert from "node:assert/strict";
import { runInit } from "../../../src/cli/commands/init.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { refusal } from "../../support/init.ts";
import { harOf } from "../../support/hars.ts";

const CURL = "curl -L http://127.0.0.1:8000/search?q=boots";

Deno.test("a named file is created alone, and its name decides the language", async () => {
  for (const [name, method] of [["a.ts", "(): Promise<void>"], ["a.mjs", "()"]] as const) {
    const host = new FakeHost({ args: ["init", name, "--curl", CURL] });
    assert.equal(await runInit(host), 0);
    assert.deepEqual([...host.files.keys()], [`/home/me/${name}`]);
    assert.match(host.files.get(`/home/me/${name}`)!, /\/\/ {5}aiotest -f a\.m?[jt]s -u 10/);
    assert.ok(host.files.get(`/home/me/${name}`)!.includes(`async testGetSearch${method} {`));
    assert.equal(
      host.stdout.text,
      `Created /home/me/${name}\n\nCheck it, and run it with 10 users for 10 seconds:\n` +
        `  aiotest check ${name}\n  aiotest -f ${name} -u 10 -r 10 -t 10s\n`,
    );
    assert.equal(host.stderr.text, "");
  }
});

Deno.test("in a directory, the test comes with types, unless there are some", async () => {
  const host = new FakeHost({
    args: ["init", "shop", "--curl", CURL],
    files: { "/home/me/shop/deno.json": "mine" },
  });
  assert.equal(await runInit(host), 0);
  assert.deepEqual([...host.files.keys()].sort(), [
    "/home/me/shop/aiotest.d.ts",
    "/home/me/shop/aiotestfile.ts",
    "/home/me/shop/deno.json",
  ]);
  assert.equal(host.files.get("/home/me/shop/deno.json"), "mine");
  assert.match(
    host.stdout.text,
    /\n {2}cd shop\n {2}aiotest check\n {2}aiotest -u 10 -r 10 -t 10s\n$/,
  );
});

Deno.test("commands come from arguments, files and standard input", async () => {
  const host = new FakeHost({
    args: ["init", "a.js", "--curl", CURL, "--curl", "commands.sh", "--curl", "-"],
    files: {
      "/home/me/commands.sh": "curl -L http://127.0.0.1:8000/b\n",
      "/dev/stdin": "curl -L http://127.0.0.1:8000/c",
    },
  });
  assert.equal(await runInit(host), 0);
  const code = host.files.get("/home/me/a.js")!;
  assert.deepEqual([...code.matchAll(/get\("(.*?)"/g)].map(([, path]) => path), [
    "/search?q=boots",
    "/b",
    "/c",
  ]);
});

Deno.test("what was left out of a recording is written to standard error", async () => {
  const har = harOf([
    { url: "http://shop.example/", type: "text/html" },
    { url: "http://shop.example/a.png", type: "image/png" },
    { url: "http://stats.example.net/x", type: "text/plain" },
  ]);
  const files = { "/home/me/visit.har": har };
  const host = new FakeHost({ args: ["init", "a.js", "--har", "visit.har"], files });
  assert.equal(await runInit(host), 0);
  assert.equal(
    host.stderr.text,
    "aiotest: Left out, as requests to other hosts: stats.example.net. --hosts keeps them.\n" +
      "aiotest: Left out, as resources of pages: 1 image, style sheet, script or font. " +
      "--with-resources keeps them.\n",
  );
  const all = ["--har", "visit.har", "--with-resources", "--hosts", "a.example, example.net"];
  const other = new FakeHost({ args: ["init", "a.js", ...all], files });
  assert.equal(await runInit(other), 0);
  assert.equal(other.stderr.text, "aiotest: --hosts a.example: no request was sent there.\n");
});

Deno.test("invalid arguments are refused, and nothing is created", async () => {
  const har = ["--har", "visit.har"];
  assert.equal(
    await refusal({ args: ["init", "a.js", ...har] }),
    "--har: cannot read visit.har: NotFound: no file /home/me/visit.har",
  );
  assert.equal(
    await refusal({ args: ["init", "a.js", ...har], files: { "/home/me/a.js": "mine" } }),
    "/home/me/a.js already exists, and init does not overwrite files",
  );
  assert.equal(
    await refusal({ args: ["init", "a.py", ...har] }),
    "a.py: the name of a test file ends in .ts or .js",
  );
  assert.equal(
    await refusal({ args: ["init", ...har, "--curl", CURL] }),
    "init: a test is made from one source, but there are --har and --curl",
  );
  assert.equal(await refusal({ args: ["init", ...har, ...har] }), "--har is given more than once");
  assert.equal(
    await refusal({ args: ["init", "--with-resources"] }),
    "--with-resources needs --har",
  );
  assert.equal(await refusal({ args: ["init", "--har"] }), "--har: missing value");
  assert.equal(
    await refusal({ args: ["init", "--curl", "curl", "http://127.0.0.1:8000/"] }),
    "--curl: request 1: it has no URL",
  );
});
