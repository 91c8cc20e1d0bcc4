import assert from "node:assert/strict";
import { main } from "../../src/cli/main.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { lacksTestFile } from "../../src/cli/received_test_file.ts";
import { FakeHost, type FakeHostOptions } from "../support/fake_host.ts";

async function lacks(options: FakeHostOptions): Promise<boolean> {
  const host = new FakeHost(options);
  return await lacksTestFile(host, await CommandLine.preview(host));
}

Deno.test("a worker that was given no test file and finds none needs the master's", async () => {
  assert.equal(await lacks({ args: ["--worker"] }), true);
  assert.equal(await lacks({ args: ["--worker", "--unknown", "1"] }), true);
  assert.equal(await lacks({ env: { AIOTEST_WORKER: "true" } }), true);
  assert.equal(await lacks({ args: ["--worker", "--processes", "2"] }), true);
});

Deno.test("a test file that exists or is named is used", async () => {
  const args = ["--worker"];
  assert.equal(await lacks({ args, files: { "/home/me/aiotestfile.ts": "" } }), false);
  assert.equal(await lacks({ args: [...args, "-f", "none.ts"] }), false);
  assert.equal(await lacks({ args: [...args, "-f", "aiotestfile.ts"] }), false);
  assert.equal(await lacks({ args, env: { AIOTEST_AIOTESTFILE: "none.ts" } }), false);
  const file = { "/home/me/load.toml": 'aiotestfile = "none.ts"' };
  assert.equal(await lacks({ args: [...args, "--config", "load.toml"], files: file }), false);
});

Deno.test("only a worker downloads a test file", async () => {
  for (const args of [[], ["--master"], ["--processes", "2"]]) {
    assert.equal(await lacks({ args }), false, args.join(" "));
  }
});

Deno.test("without a token, a worker does not request a test file", async () => {
  const host = new FakeHost({ args: ["--worker"] });
  assert.equal(await main(host), 2);
  assert.match(
    host.stderr.text,
    /^aiotest: This worker has no test file: aiotestfile\.ts not found\nName it with -f, or set the same token on master and workers/,
  );
});
