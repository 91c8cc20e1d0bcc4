import assert from "node:assert/strict";
import { readOptionFile } from "../../src/cli/option_files.ts";
import { FakeHost } from "../support/fake_host.ts";

Deno.test("a file that an option names is read relative to the working directory", async () => {
  const host = new FakeHost({ files: { "/home/me/certs/ca.pem": "PEM" } });
  assert.equal(await readOptionFile(host, "tls-ca", "certs/ca.pem"), "PEM");
});

Deno.test("a file that cannot be read is reported with its option", async () => {
  await assert.rejects(readOptionFile(new FakeHost(), "tls-ca", "ca.pem"), {
    name: "UsageError",
    message: /^--tls-ca ca\.pem: cannot read the file: /,
  });
});
