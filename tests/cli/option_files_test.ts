import assert from "node:assert/strict";
import { readOptionFile, readPemFile } from "../../src/cli/option_files.ts";
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

Deno.test("PEM is read with comments in any encoding, and other forms are refused without their contents", async () => {
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const bytes = (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(text, (character) => character.charCodeAt(0));
  const host = new FakeHost({
    files: { "/home/me/bom.pem": `\ufeff${pem}` },
    binaries: {
      "/home/me/latin1.pem": bytes(`# Ra\xedz\n${pem}`),
      "/home/me/utf16.pem": bytes("\xff\xfe" + pem.replaceAll(/[^]/g, "$&\0")),
      "/home/me/key.der": Uint8Array.of(0x30, 0x82, 1, 2),
    },
  });
  assert.equal(await readPemFile(host, "ca", "bom.pem"), pem);
  assert.equal(await readPemFile(host, "ca", "utf16.pem"), pem);
  assert.equal(await readPemFile(host, "ca", "latin1.pem"), `# Ra\xedz\n${pem}`);
  await assert.rejects(readPemFile(host, "tls-key", "key.der"), {
    name: "UsageError",
    message: "--tls-key key.der: expected a file in PEM, which is text that begins with -----BEGIN",
  });
  await assert.rejects(readPemFile(host, "ca", "none.pem"), {
    message: /^--ca none\.pem: cannot read the file: /,
  });
});
