import assert from "node:assert/strict";
import { looksSecret, publicText, runLabels, runMetadata } from "../../src/cli/run_metadata.ts";
import { VERSION } from "../../src/core/version.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

async function optionsOf(...args: string[]): Promise<[string, string][]> {
  const { options } = runMetadata(new FakeHost(), await parse({ args }));
  return options.map(({ flag, value }) => [flag, value]);
}

Deno.test("options that were given are shown as on the command line", async () => {
  assert.deepEqual(await optionsOf(), []);
  assert.deepEqual(
    await optionsOf(
      ...["-f", "shop.ts", "-u", "10", "-t", "1m30s", "--insecure", "-T", "a,b"],
      ...["--threshold", "p95<1s", "--threshold", "rps>5", "--rate", "1"],
    ),
    [
      ["--tags", "a, b"],
      ["--insecure", ""],
      ["--users", "10"],
      ["--rate", "1"],
      ["--run-time", "90 s"],
      ["--threshold", "p95<1s, rps>5"],
    ],
  );
});

Deno.test("values that a command sets are shown as well", async () => {
  const options = await parse({});
  const metadata = runMetadata(new FakeHost(), {
    ...options,
    users: 20,
    host: "http://127.0.0.1:1/",
  });
  assert.deepEqual(metadata.options, [
    { flag: "--host", value: "http://127.0.0.1:1/" },
    { flag: "--users", value: "20" },
  ]);
});

Deno.test("name and labels are not listed with the options, and lose the credentials of URLs", async () => {
  const args = ["--name", "nightly", "--label", "env=staging", "--label", "at=http://me:s3cret@x/"];
  const options = await parse({ args });
  assert.deepEqual(runLabels(options), {
    name: "nightly",
    labels: { env: "staging", at: "http://…@x/" },
  });
  assert.deepEqual(runLabels(await parse({})), { name: null, labels: {} });
  assert.deepEqual(runMetadata(new FakeHost(), options).options, []);
});

Deno.test("secrets are not shown", async () => {
  const options = await parse({
    args: [
      ...["--master", "--token", "s3cret", "--web-token", "s3cret", "--otlp", "http://u:s3cret@x/"],
      ...["--redis", "redis://:s3cret@box:6379/0", "-H", "http://me:s3cret@shop/"],
    ],
  });
  const metadata = runMetadata(new FakeHost(), {
    ...options,
    extra: { shopPassword: "s3cret", tenant: "blue", parsed: { any: "s3cret" }, users2: 5 },
  });
  assert.doesNotMatch(JSON.stringify(metadata), /s3cret/);
  const shown = Object.fromEntries(metadata.options.map(({ flag, value }) => [flag, value]));
  assert.equal(shown["--token"], "(not shown)");
  assert.equal(shown["--redis"], "redis://…@box:6379/0");
  assert.equal(shown["--shop-password"], "(not shown)");
  assert.equal(shown["--parsed"], "(not shown)");
  assert.equal(shown["--tenant"], "blue");
  assert.equal(shown["--users2"], "5");
});

Deno.test("test file, machine and versions are shown", async () => {
  const metadata = runMetadata(new FakeHost(), await parse({ args: ["-f", "shop.ts"] }));
  assert.equal(metadata.test, "shop.ts");
  assert.equal(metadata.version, VERSION);
  assert.match(metadata.program, /^aiotest \S+ \(.*deno \S+\)$/);
  assert.equal(metadata.machine.hostname, "testhost");
  assert.equal(metadata.machine.cores, 2);
  assert.match(metadata.machine.system, /^(linux|darwin|windows) \S+, \S+$/);
});

Deno.test("names of secrets are recognized", () => {
  const secret = [
    ...["token", "webToken", "api-key", "API_KEY", "apiKey", "shopPassword", "dbPasswd", "pwd"],
    ...[
      "clientSecret",
      "authorization",
      "sessionCookie",
      "PIN",
      "privateKey",
      "credentials",
      "jwt",
    ],
  ];
  const open = [
    ...["users", "passes", "monkey", "keyboard", "author", "spinUp", "tlsKey", "tls-cert"],
    ...["tenant", "sessions", "host"],
  ];
  assert.deepEqual(secret.filter((name) => !looksSecret(name)), []);
  assert.deepEqual(open.filter(looksSecret), []);
});

Deno.test("user, password and secret parameters are removed from a URL", () => {
  const cases: [string, string][] = [
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["https://me:s3cret@shop.example/a@b", "https://…@shop.example/a@b"],
    ["redis://:p%40ss@box:6379/0", "redis://…@box:6379/0"],
    ["redis://:pa/ss@wo@box:6379", "redis://…@box:6379"],
    ["https://x.example/?q=boots&api_key=abc#top", "https://x.example/?q=boots&api_key=…#top"],
    ["https://x.example/?%74oken=abc", "https://x.example/?%74oken=…"],
    ["aiotest quick http://me:s3cret@x/", "aiotest quick http://…@x/"],
    ["me@example.org", "me@example.org"],
    ["p95<200ms", "p95<200ms"],
  ];
  for (const [text, shown] of cases) assert.equal(publicText(text), shown, text);
});
