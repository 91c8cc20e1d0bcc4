import assert from "node:assert/strict";
import { runMetadata } from "../../src/cli/run_metadata.ts";
import {
  exposedKeyWarning,
  forwardedTls,
  targetFiles,
  targetTls,
  withoutForeignKey,
} from "../../src/cli/target_tls.ts";
import { UsageError } from "../../src/core/errors.ts";
import { DEFAULT_TLS, type TlsSettings } from "../../src/net/tls_settings.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

const { cert, key } = identity("good");
const CA = testAuthority();

const FILES = {
  "/home/me/client.pem": cert,
  "/home/me/client.key": key,
  "/home/me/other.key": identity("expired").key,
  "/home/me/ca.pem": `# An authority, of tests\n${CA}`,
  "/home/me/both.pem": `${CA}\n# And another\n${identity("self_signed").cert}`,
  "/home/me/notes.txt": "not PEM",
};

async function tls(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<TlsSettings> {
  return await targetTls(new FakeHost({ files: FILES }), await parse({ args, env }));
}

async function refusal(args: readonly string[], env?: Record<string, string>): Promise<UsageError> {
  const error: unknown = await tls(args, env).then(() => null, (error: unknown) => error);
  assert.ok(error instanceof UsageError, String(error));
  return error;
}

Deno.test("without options, TLS is that of the user class", async () => {
  assert.deepEqual(await tls([]), DEFAULT_TLS);
});

Deno.test("files of a certificate, its key and authorities are read; bundles lose their comments", async () => {
  const pair = ["--client-cert", "client.pem", "--client-key", "/home/me/client.key"];
  assert.deepEqual(await tls([...pair, "--ca", "ca.pem", "--ca", "both.pem", "--insecure"]), {
    ...DEFAULT_TLS,
    cert,
    key,
    ca: [CA.trim(), `${CA.trim()}\n${identity("self_signed").cert.trim()}`],
    insecure: true,
  });
});

Deno.test("the environment can have the contents of the files", async () => {
  const env = { AIOTEST_CLIENT_CERT: cert, AIOTEST_CLIENT_KEY: key, AIOTEST_CA: CA };
  assert.deepEqual(await tls([], env), { ...DEFAULT_TLS, cert, key, ca: [CA.trim()] });
});

const REFUSED: [args: string, message: RegExp][] = [
  ["--client-cert client.pem", /^--client-cert needs --client-key$/],
  ["--client-key client.key", /^--client-key needs --client-cert$/],
  [
    "--client-cert missing.pem --client-key client.key",
    /^--client-cert missing\.pem: cannot read the file: /,
  ],
  ["--ca missing.pem", /^--ca missing\.pem: cannot read the file: /],
  ["--ca ca.pem,notes.txt", /^--ca notes\.txt: not a certificate in PEM$/],
  ["--client-cert notes.txt --client-key client.key", /^--client-cert notes\.txt: not a cert/],
  [
    "--client-cert client.pem --client-key notes.txt",
    /^--client-key notes\.txt: not a private key/,
  ],
  [
    "--client-cert client.key --client-key client.key",
    /^--client-cert client\.key: a private key wh/,
  ],
  ["--client-cert client.pem --client-key client.pem", /^--client-key client\.pem: no private key/],
  [
    "--client-cert client.pem --client-key other.key",
    /^--client-key other\.key: does not belong to/,
  ],
];

for (const [args, message] of REFUSED) {
  Deno.test(`${args} is refused`, async () => {
    assert.match((await refusal(args.split(" "))).message, message);
  });
}

Deno.test("no error shows a key", async () => {
  const lines = key.trim().split("\n");
  const body = lines.slice(1, -1);
  const keys = [body.join("\n"), body.join(""), btoa(key), key.replace(body[0]!, "")];
  for (const text of keys) {
    const env = { AIOTEST_CLIENT_CERT: cert, AIOTEST_CLIENT_KEY: text };
    const { message, hint } = await refusal([], env);
    assert.match(message, /^--client-key: /);
    for (const line of body) assert.ok(!`${message}${hint}`.includes(line.slice(0, 20)), message);
  }
});

Deno.test("reports show the names of the files, but no contents", async () => {
  const flags = ["--client-cert", "client.pem", "--client-key", "client.key"];
  const byName = runMetadata(new FakeHost(), await parse({ args: [...flags, "--ca", "a,b"] }));
  assert.deepEqual(byName.options, [
    { flag: "--client-cert", value: "client.pem" },
    { flag: "--client-key", value: "client.key" },
    { flag: "--ca", value: "a, b" },
  ]);
  const env = { AIOTEST_CLIENT_CERT: cert, AIOTEST_CLIENT_KEY: key, AIOTEST_CA: CA };
  const { options } = runMetadata(new FakeHost(), await parse({ env }));
  assert.deepEqual(new Set(options.map(({ value }) => value)), new Set(["(not shown)"]));
});

Deno.test("reports may not replace the files", async () => {
  const args = ["--client-cert", "client.pem", "--client-key", "client.key", "--ca", "a,b"];
  assert.deepEqual(targetFiles(await parse({ args })), [
    { what: "the file of --client-cert", path: "client.pem" },
    { what: "the file of --client-key", path: "client.key" },
    { what: "the file of --ca", path: "a" },
    { what: "the file of --ca", path: "b" },
  ]);
  assert.deepEqual(targetFiles(await parse({ env: { AIOTEST_CLIENT_KEY: key } })), []);
});

Deno.test("a worker reads what its master has forwarded", async () => {
  const args = [
    "--client-cert",
    "client.pem",
    "--client-key",
    "client.key",
    "--ca",
    "ca.pem,both.pem",
  ];
  const master = await tls(args);
  const received = await tls([], forwardedTls(master, { token: "secret" }));
  assert.deepEqual(received, { ...master, ca: [master.ca.join("\n")] });
  assert.deepEqual(forwardedTls(DEFAULT_TLS, { token: null }), {});
});

Deno.test("a key is only sent to workers that know the token", async () => {
  const master = await tls(["--client-cert", "client.pem", "--client-key", "client.key"]);
  assert.throws(
    () => forwardedTls(master, { token: null }),
    /--client-key on a master needs --token/,
  );
  const authorities = await tls(["--ca", "ca.pem"]);
  assert.deepEqual(forwardedTls(authorities, { token: null }), { AIOTEST_CA: CA.trim() });
});

Deno.test("a key that is sent unencrypted to other machines causes a warning", async () => {
  const master = await tls(["--client-cert", "client.pem", "--client-key", "client.key"]);
  const link = { cert: "m.pem", key: "m.key" };
  assert.match(
    exposedKeyWarning(master, { tls: null, bindHost: "*" }) ?? "none",
    /^The private key of --client-key is sent to workers unencrypted\./,
  );
  assert.equal(exposedKeyWarning(master, { tls: link, bindHost: "*" }), null);
  assert.equal(exposedKeyWarning(master, { tls: null, bindHost: "127.0.0.1" }), null);
  assert.equal(exposedKeyWarning(DEFAULT_TLS, { tls: null, bindHost: "*" }), null);
});

Deno.test("a worker's own certificate or key replaces the pair of the master", () => {
  const forwarded = { AIOTEST_CLIENT_CERT: "c", AIOTEST_CLIENT_KEY: "k", AIOTEST_CA: "a" };
  assert.deepEqual(withoutForeignKey(forwarded, new Set()), forwarded);
  assert.deepEqual(withoutForeignKey(forwarded, new Set(["ca"])), forwarded);
  for (const own of ["clientCert", "clientKey"] as const) {
    assert.deepEqual(withoutForeignKey(forwarded, new Set([own])), { AIOTEST_CA: "a" });
  }
});
