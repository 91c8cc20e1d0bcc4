import assert from "node:assert/strict";
import { readConfigFile } from "../../src/cli/sources.ts";
import { parse, refusal } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";

function read(path: string, text: string): ReturnType<typeof readConfigFile> {
  return readConfigFile(new FakeHost({ files: { [`/home/me/${path}`]: text } }), path);
}

Deno.test("entries are found by their name in kebab case, and keep their spelling", async () => {
  const file = await read("load.JSON", '{ "runTime": "3m", "stop-timeout": 5 }');
  assert.equal(file.path, "load.JSON");
  assert.deepEqual([...file.entries], [
    ["run-time", { key: "runTime", value: "3m" }],
    ["stop-timeout", { key: "stop-timeout", value: 5 }],
  ]);
});

const BAD: [path: string, text: string, message: string | RegExp][] = [
  ["a.ini", "", "--config a.ini: expected a .toml, .yaml or .json file"],
  ["a.yaml", "", "a.yaml: expected an object of options by name"],
  ["a.yml", "users: [", /^a\.yml: invalid YAML: line 1, column 9: /],
  ["a.yaml", "users: &a [*a]", "a.yaml: an alias leads to what is around it"],
  ["a.toml", "users = ", "a.toml:1:9: invalid TOML: invalid value"],
  ["a.json", '{ "users":\n }', /^a\.json: invalid JSON: Unexpected token '}', .*$/],
  ["a.json", "[1]", "a.json: expected an object of options by name"],
  ["a.json", "null", "a.json: expected an object of options by name"],
  ["a.toml", "run-time = 1\nrunTime = 2", "a.toml: run-time and runTime are the same option"],
];

for (const [path, text, message] of BAD) {
  Deno.test(`${path} with ${JSON.stringify(text)} is refused`, async () => {
    await assert.rejects(read(path, text), { name: "UsageError", message });
  });
}

Deno.test("a key that is an earlier name of an option is refused with the later one", async () => {
  for (
    const [key, name] of [["prometheus-port", "web-port"], [
      "show-users-wight",
      "show-users-weight",
    ]]
  ) {
    const error = await refusal({
      args: ["--config", "a.json"],
      files: { "/home/me/a.json": JSON.stringify({ [key!]: true }) },
    });
    assert.deepEqual([error.message, error.hint], [
      `a.json: unknown option ${key}`,
      `Did you mean ${name}?`,
    ]);
  }
});

Deno.test("each format may say where its schema is", async () => {
  for (
    const [path, text] of [
      ["a.json", '{ "$schema": "./config.schema.json", "users": 5 }'],
      ["a.yaml", "$schema: ./config.schema.json\nusers: 5\n"],
      ["a.yml", "# yaml-language-server: $schema=./config.schema.json\nusers: 5\n"],
      ["a.toml", "#:schema ./config.schema.json\nusers = 5\n"],
      ["a.toml", '"$schema" = "./config.schema.json"\nusers = 5\n'],
    ] as const
  ) {
    const { entries } = await read(path, text);
    assert.deepEqual([...entries], [["users", { key: "users", value: 5 }]], text);
  }
});

Deno.test("a file may have a byte order mark, and be UTF-16 with one", async () => {
  const text = 'users = 7\r\nhost = "http://m\u00fcller"\r\n';
  const units = Array.from(text, (character) => character.charCodeAt(0));
  const host = new FakeHost({
    files: { "/home/me/bom.toml": `\ufeff${text}`, "/home/me/bom.json": '\ufeff{"users": 7}' },
    binaries: {
      "/home/me/utf16.toml": Uint8Array.of(0xff, 0xfe, ...units.flatMap((unit) => [unit, 0])),
      "/home/me/latin1.toml": Uint8Array.from(units),
    },
  });
  for (const name of ["bom.toml", "bom.json", "utf16.toml"]) {
    const { entries } = await readConfigFile(host, name);
    assert.equal(entries.get("users")!.value, 7, name);
    if (name.endsWith(".toml")) assert.equal(entries.get("host")!.value, "http://m\u00fcller");
  }
  await assert.rejects(readConfigFile(host, "latin1.toml"), {
    name: "UsageError",
    message: "--config latin1.toml: cannot read the file: line 2 is not UTF-8 (byte 0xfc): " +
      "save it as UTF-8, or as UTF-16 with a byte order mark",
  });
});

Deno.test("a missing file is reported with its full path", async () => {
  await assert.rejects(readConfigFile(new FakeHost(), "conf/a.toml"), {
    name: "UsageError",
    message: "--config conf/a.toml: file not found: /home/me/conf/a.toml",
  });
});

Deno.test("a file that cannot be read is refused with the reason", async () => {
  class LockedHost extends FakeHost {
    override readTextFile(): Promise<string> {
      return Promise.reject(new Deno.errors.PermissionDenied("locked"));
    }
  }
  await assert.rejects(
    readConfigFile(new LockedHost({ files: { "/home/me/a.toml": "" } }), "a.toml"),
    {
      name: "UsageError",
      message: "--config a.toml: cannot read the file: PermissionDenied: locked",
    },
  );
});

Deno.test("an unknown variable is refused with the nearest name", async () => {
  const cases: [env: Record<string, string>, message: string, hint: string][] = [
    [{ AIOTEST_USER: "5" }, "AIOTEST_USER", "Did you mean AIOTEST_USERS?"],
    [{ AIOTEST_RUNTIME: "5s" }, "AIOTEST_RUNTIME", "Did you mean AIOTEST_RUN_TIME?"],
    [
      { AIOTEST_ZZZZZZZZZZZZ: "1" },
      "AIOTEST_ZZZZZZZZZZZZ",
      "Options are AIOTEST_ and the name of a flag. For all flags, run aiotest --help.",
    ],
    [
      { AIOTEST_: "1" },
      "AIOTEST_",
      "Options are AIOTEST_ and the name of a flag. " +
      "For all flags, run aiotest --help.",
    ],
  ];
  for (const [env, variable, hint] of cases) {
    const error = await refusal({ env: { AIOTEST_USERS: "3", ...env } });
    assert.equal(error.message, `${variable}: unknown environment variable`);
    assert.equal(error.hint, hint);
  }
});

Deno.test("variables of other commands, other programs and the test file are not unknown", async () => {
  const env = {
    AIOTEST_METHOD: "PUT",
    AIOTEST_MAX_REGRESSION: "1%",
    AIOTEST_EMPTY: "",
    AIOTEST_SERVICE_HOST: "10.0.0.1",
    AIOTEST_SERVICE_PORT_HTTP: "5557",
    AIOTEST_PORT: "tcp://10.0.0.1:5557",
    AIOTEST_PORT_5557_TCP_ADDR: "10.0.0.1",
    AIOTEST_REQUIRE: "all",
    AIOTEST: "1",
    MYAIOTEST_USER: "1",
    AIOTEST_TENANT: "acme",
  };
  const options = await parse({ env }, ({ parser }) => {
    parser.option("--tenant <name>");
  });
  assert.equal(options.extra.tenant, "acme");
  assert.equal((await refusal({ env })).message, "AIOTEST_TENANT: unknown environment variable");
});
