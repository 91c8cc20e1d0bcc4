import { parse as parseCode } from "acorn";
import assert from "node:assert/strict";
import type { Draft } from "../../src/convert/draft.ts";
import { readPostman } from "../../src/convert/postman.ts";
import { writeTest } from "../../src/convert/test_writer.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost } from "../support/fake_host.ts";
import { mutatedJson } from "../support/mutated_json.ts";
import { numbers } from "../support/mutations.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";

const DATA = projectPath("tests/convert/data/postman");
const ROUNDS = lengthOf({ short: 100, full: 3_000 });

function read(collection: unknown, environment?: unknown): Promise<Draft> {
  const text = (value: unknown): string =>
    typeof value === "string" ? value : JSON.stringify(value);
  const files = {
    "/home/me/c.json": text(collection),
    ...environment === undefined ? {} : { "/home/me/e.json": text(environment) },
  };
  return readPostman(
    new FakeHost({ files }),
    "c.json",
    environment === undefined ? null : "e.json",
  );
}

function code(draft: Draft): string {
  return writeTest(draft, { isTypeScript: false, command: "aiotest" });
}

async function written(...args: Parameters<typeof read>): Promise<string> {
  return code(await read(...args));
}

/** A collection with one request. */
function one(request: Record<string, unknown>, more: Record<string, unknown> = {}): unknown {
  const url = "https://shop.example/a";
  return { info: { name: "Shop" }, item: [{ name: "One", request: { url, ...request } }], ...more };
}

/** What the user is told. */
async function told(...args: Parameters<typeof read>): Promise<string> {
  const error = await read(...args).then(code, (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return error.message;
}

Deno.test("values of an environment come before those of the collection, and secrets are in neither", async () => {
  const text = await written(
    one({
      url: "{{base}}/a?x={{x}}&y={{y}}",
      header: [{ key: "X-Key", value: "{{deep}}" }, { key: "X-Jwt", value: "{{other}}" }],
    }, {
      variable: [
        { key: "base", value: "https://old.example" },
        { key: "x", value: "1" },
        { key: "y", value: "2" },
        { key: "deep", value: "k {{api_key}}" },
        { key: "other", value: "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl" },
      ],
    }),
    {
      values: [
        { key: "base", value: "https://new.example/v1" },
        { key: "x", value: "3", enabled: false },
        { key: "y", value: "4" },
        { key: "api_key", value: "k-123456", type: "secret" },
      ],
    },
  );
  for (
    const part of [
      'static host = "https://new.example"',
      '"/v1/a"',
      'const X = "1";',
      'const Y = "4";',
      "`k ${API_KEY}`",
      "const OTHER = Deno.env.get",
    ]
  ) assert.ok(text.includes(part), `${part}\n${text}`);
  assert.ok(!/k-123456|eyJ/.test(text), text);
});

Deno.test("a variable whose value contains itself stays as it is", async () => {
  const value = "{{a}}/{{b}}".repeat(50);
  const variable = [{ key: "a", value }, { key: "b", value: "{{a}}" }];
  const text = await written(one({ url: "https://shop.example/x?a={{a}}" }, { variable }));
  assert.match(text, /const A =\s/);
  assert.ok(text.length < 50_000, String(text.length));
  assert.ok((await written(one({ url: "{{a}}/x" }, { variable }))).length < 50_000);
});

Deno.test("credentials are secrets, whatever the names of their variables are", async () => {
  const variable = [{ key: "who", value: "bob" }, { key: "mine", value: "hunter2-hunter2" }];
  const text = await written(
    one({
      auth: {
        type: "basic",
        basic: [{ key: "username", value: "{{who}}" }, { key: "password", value: "{{mine}}" }],
      },
    }, { variable }),
  );
  assert.ok(text.includes("auth: [WHO, MINE]"), text);
  assert.ok(text.includes('const WHO = "bob";'), text);
  assert.ok(!text.includes("hunter2"), text);
});

Deno.test("scripts become checks and saved values, and the rest is kept as a comment", async () => {
  const exec = [
    "const { data: { id } } = pm.response.json();",
    "const { token, user } = pm.response.json();",
    "pm.test('a', function () { pm.response.to.have.status(201); pm.expect(user.roles[0]).to.eql('admin'); });",
    "pm.test('b', () => { pm.expect(user).to.deep.equal({ a: [1, -2] }); pm.response.to.be.ok; });",
    "pm.test('c', () => pm.expect(pm.response.responseTime).to.be.below(200));",
    "if (token) { pm.globals.set('tok', token); }",
    "pm.environment.unset('x');",
  ];
  const text = await written({
    info: { name: "Shop" },
    item: [
      {
        name: "Login",
        event: [{ listen: "test", script: { exec } }],
        request: { method: "POST", url: "https://shop.example/login" },
      },
      {
        name: "Use",
        request: {
          method: "PUT",
          url: "https://shop.example/{{tok}}",
          body: {
            mode: "raw",
            raw: '{"a": "{{tok}}", "b": {{tok}}}',
            options: { raw: { language: "json" } },
          },
        },
      },
    ],
  });
  for (
    const part of [
      "assert.equal(res.status, 201);",
      'assert.equal((await res.json()).user.roles[0], "admin");',
      "assert.deepEqual((await res.json()).user, { a: [1, -2] });",
      "this.tok = (await login.json()).token;",
      "put(`/${this.tok}`, {",
      "json: { a: String(this.tok), b: this.tok }",
      "//   pm.expect(pm.response.responseTime).to.be.below(200)",
      "//   pm.environment.unset('x');",
      "//   const { data: { id } } = pm.response.json();",
    ]
  ) assert.ok(text.includes(part), `${part}\n${text}`);
});

Deno.test("errors name the request and what is wrong with it", async () => {
  const collection = "--postman c.json: ";
  for (
    const [document, message] of [
      ["{", "invalid JSON: line 1, column 2: "],
      [{}, 'this is no Postman collection: it has no "item"'],
      [{ requests: [] }, "this is a collection of version 1, expected 2.0 or 2.1"],
      [{ item: 5 }, "item: expected a list, but it is a number"],
      [{ item: [] }, "it has no requests"],
      [{ item: [5] }, "the collection: item 1: expected an object, but it is a number"],
      [{ item: [{ name: "A" }] }, "A: it has neither a request nor items"],
      [{ item: [{ name: "A", item: {} }] }, "A: item: expected a list, but it is an object"],
      [
        { item: [{ name: "A", item: [{ name: "B", request: 1 }] }] },
        "A / B: request: expected an object, but it is a number",
      ],
      [one({ url: "" }), "One (GET): url: expected a URL, but it is a string"],
      [one({ url: null }), "One (GET): url: expected a URL, but it is null"],
      [
        one({ url: "ws://a/b" }),
        "One (GET ws://a/b): url: expected http:// or https://, but it is ws://",
      ],
      [one({ url: "http://a b/" }), 'One (GET http://a b/): url: "http://a b/" is no URL'],
      [
        one({ method: "GE T" }),
        'One (GE T https://shop.example/a): method: expected a word like GET, but it is "GE T"',
      ],
      [
        one({ header: [{ key: "a b", value: "" }] }),
        'One (GET https://shop.example/a): header: "a b" is no name of a header',
      ],
      [
        one({ body: { mode: "soap" } }),
        'One (GET https://shop.example/a): body: mode: expected raw, urlencoded, formdata, file or graphql, but it is "soap"',
      ],
    ] as const
  ) {
    const found = await told(document);
    assert.ok(found.startsWith(`${collection}${message}`), `${found}\nexpected: ${message}`);
  }
  assert.equal(
    await told(one({}), {}),
    '--postman-environment e.json: this is no Postman environment: it has no list "values"',
  );
});

Deno.test("a broken collection is converted, or refused in words", async () => {
  const below = numbers(11);
  const environment = JSON.parse(await Deno.readTextFile(`${DATA}/shop.environment.json`));
  let converted = 0;
  for (const name of ["shop.json", "v2.0.json"]) {
    const document = JSON.parse(await Deno.readTextFile(`${DATA}/${name}`));
    for (let round = 0; round < ROUNDS; round++) {
      const [broken, values] = round % 2 === 0
        ? [mutatedJson(document, below), environment]
        : [document, mutatedJson(environment, below)];
      try {
        parseCode(await written(broken, values), { ecmaVersion: "latest", sourceType: "module" });
        converted++;
      } catch (error) {
        const text = error instanceof Error ? error.stack : error;
        assert.ok(error instanceof UsageError, `${text}\n${JSON.stringify(broken)}`);
      }
    }
  }
  assert.ok(converted > ROUNDS, String(converted));
});
