import { parse as parseCode } from "acorn";
import assert from "node:assert/strict";
import { parse } from "yaml";
import type { Draft } from "../../src/convert/draft.ts";
import { readOpenApi } from "../../src/convert/openapi.ts";
import { writeTest } from "../../src/convert/test_writer.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost } from "../support/fake_host.ts";
import { mutatedJson } from "../support/mutated_json.ts";
import { numbers } from "../support/mutations.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";

const ROUNDS = lengthOf({ short: 30, full: 1_000 });
const DATA = projectPath("tests/convert/data/openapi");

function read(text: string, others: Record<string, string> = {}): Promise<Draft> {
  const files = Object.fromEntries(
    Object.entries({ "api.yaml": text, ...others }).map(([name, one]) => [`/home/me/${name}`, one]),
  );
  return readOpenApi(new FakeHost({ files }), "api.yaml");
}

function code(draft: Draft): string {
  return writeTest(draft, { isTypeScript: false, command: "aiotest" });
}

/** A document with these operations. */
function api(paths: unknown, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ openapi: "3.1.0", info: { title: "Shop" }, paths, ...more });
}

const OK = { responses: { "200": { description: "Done" } } };

/** What the user is told. */
async function told(text: string, others: Record<string, string> = {}): Promise<string> {
  const error = await read(text, others).then((draft) => code(draft), (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return error.message;
}

/** The lines of the requests of a test, without checks. */
function calls(draft: Draft): string[] {
  return draft.classes.flatMap(({ tests }) =>
    tests.flatMap(({ steps }) =>
      steps.flatMap((step) => step.kind === "call" ? [`${step.call.method} ${step.call.name}`] : [])
    )
  );
}

function returning(schema: unknown, status = "200"): unknown {
  return {
    responses: { [status]: { description: "Done", content: { "application/json": { schema } } } },
  };
}

const ITEM = { type: "object", properties: { id: { type: "integer" } } };

Deno.test("operations come in an order in which they can succeed, deletes last and in reverse", async () => {
  const draft = await read(api({
    "/orders/{orderId}/lines/{lineId}": { delete: OK, get: OK },
    "/orders/{orderId}/lines": { post: returning(ITEM, "201"), get: OK },
    "/orders/{orderId}": { delete: OK, put: OK, get: OK },
    "/orders": { get: OK, post: { ...returning(ITEM) as object } },
  }));
  assert.deepEqual(calls(draft), [
    "POST /orders",
    "GET /orders",
    "GET /orders/:orderId",
    "PUT /orders/:orderId",
    "POST /orders/:orderId/lines",
    "GET /orders/:orderId/lines",
    "GET /orders/:orderId/lines/:lineId",
    "DELETE /orders/:orderId/lines/:lineId",
    "DELETE /orders/:orderId",
  ]);
});

Deno.test("identifiers come from what creates, from lists, from links, and else from constants", async () => {
  const text = code(
    await read(api({
      "/orders": { post: returning({ type: "object", properties: { data: ITEM } }, "201") },
      "/orders/{id}": { get: OK },
      "/news": { get: returning({ type: "array", items: ITEM }) },
      "/news/{newsId}": { get: OK },
      "/jobs": {
        post: {
          responses: {
            "202": {
              description: "",
              links: { one: { operationId: "getJob", parameters: { key: "$response.body#/a/0" } } },
            },
          },
        },
      },
      "/pets/{petId}": { get: OK },
      "/pets/search": {
        get: returning({ type: "object", properties: { pets: { type: "array", items: ITEM } } }),
      },
      "/jobs/{key}": { get: { ...OK, operationId: "getJob" } },
      "/stores/{store}/items/{page}": {
        get: { ...OK, parameters: [{ name: "page", in: "path", schema: { enum: ["first"] } }] },
      },
    })),
  );
  for (
    const part of [
      "this.orderId = (await orders.json()).data.id;",
      "      `/orders/${this.orderId}`,",
      "this.newsId = (await news.json())[0].id;",
      "this.petId = (await search.json()).pets[0].id;",
      "this.jobKey = (await jobs.json()).a[0];",
      'const STORE = "store";',
      "`/stores/${STORE}/items/first`",
    ]
  ) assert.ok(text.includes(part), `${part}\n${text}`);
});

Deno.test("identifiers in queries are treated like those in paths", async () => {
  const query = (name: string, schema: unknown = { type: "string" }): unknown => ({
    ...OK,
    parameters: [{ name, in: "query", required: true, schema }],
  });
  const text = code(
    await read(api({
      "/visits": { get: query("customerId") },
      "/register": {
        post: returning({ type: "object", properties: { customerId: { type: "string" } } }),
      },
      "/animals": { get: query("uid"), put: query("uid") },
      "/plants": { get: query("uid") },
      "/words": { get: query("id", { type: "integer", default: 7 }), put: query("paid") },
    })),
  );
  for (
    const part of [
      "this.customerId = (await register.json()).customerId;",
      "{ params: { customerId: this.customerId } }",
      'const ANIMAL_UID = "uid";',
      'const PLANT_UID = "uid";',
      '"/words?id=7"',
      '"/words?paid=paid"',
    ]
  ) assert.ok(text.includes(part), `${part}\n${text}`);
  assert.ok(text.indexOf("testPostRegister") < text.indexOf("testGetVisits"));
  assert.equal(text.split("const ANIMAL_UID").length, 2);
});

Deno.test("names of methods are those of the operations, as far as they can be", async () => {
  const draft = await read(api({
    "/a": { get: { ...OK, operationId: "list-all.things" }, put: { ...OK, operationId: "1" } },
    "/b/{id}": { get: OK },
    "/c/": { post: { ...OK, operationId: "create_c_c__post" } },
    "/d": { get: { ...OK, operationId: "listAllThings" } },
  }));
  assert.deepEqual(draft.classes[0]!.tests.map(({ name }) => name), [
    "testListAllThings",
    "test1",
    "testGetBById",
    "testCreateC",
    "testListAllThings2",
  ]);
});

Deno.test("the class has the name of the API", async () => {
  for (
    const [title, name] of [
      ["Pet shop test", "PetShopTest"],
      ["3D", "Api3DTest"],
      ["", "ApiTest"],
      ["検索", "ApiTest"],
    ] as const
  ) {
    const draft = await read(api({ "/a": { get: OK } }, { info: { title } }));
    assert.equal(draft.classes[0]!.name, name);
  }
});

Deno.test("servers, also with variables, become host and path", async () => {
  for (
    const [servers, host, name] of [
      [
        [{
          url: "https://{a}.b.example:{port}/v1/",
          variables: { a: { default: "x" }, port: { enum: ["81"] } },
        }],
        "https://x.b.example:81",
        "/v1/a",
      ],
      [[{ url: "/api" }], "http://127.0.0.1:8000", "/api/a"],
      [[{ url: "/api" }, { url: "http://c.example" }], "http://c.example", "/a"],
      [[], "http://127.0.0.1:8000", "/a"],
      [[{ url: "ftp://x" }, { url: 5 }], "http://127.0.0.1:8000", "/a"],
    ] as const
  ) {
    const draft = await read(api({ "/a": { get: OK } }, { servers }));
    assert.equal(draft.classes[0]!.host, host);
    assert.deepEqual(calls(draft), [`GET ${name}`]);
  }
});

Deno.test("YAML can refer to files beside it", async () => {
  const draft = await read(
    `openapi: 3.0.3
info: { title: Shop }
paths:
  /pets:
    $ref: "paths/pets.yaml"
`,
    {
      "paths/pets.yaml": `post:
  requestBody:
    content:
      application/json:
        schema: { $ref: "../schemas.json#/Pet" }
  responses: { 201: { description: created } }
`,
      "schemas.json": JSON.stringify({
        Pet: { required: ["name"], properties: { name: { $ref: "#/Name" } } },
        Name: { type: "string", example: "Rex" },
      }),
    },
  );
  assert.ok(code(draft).includes('{ json: { name: "Rex" } }'), code(draft));
  assert.ok(code(draft).includes("assert.equal(res.status, 201)"));
});

Deno.test("security schemes that are not converted, or not described, are named", async () => {
  const components = { securitySchemes: { mine: { type: "mutualTLS" }, key: { type: "apiKey" } } };
  for (const name of ["mine", "key", "none"]) {
    const draft = await read(
      api({ "/a": { get: OK } }, { security: [{ [name]: [] }], components }),
    );
    assert.ok(
      draft.notes.includes(`The security scheme ${name} is not converted: add what it needs.`),
      draft.notes.join(),
    );
  }
  // The first alternative that can be converted is used.
  const draft = await read(api({ "/a": { get: OK } }, {
    security: [{ none: [] }, {}, { basic: [] }],
    components: { securitySchemes: { basic: { type: "http", scheme: "Basic" } } },
  }));
  assert.ok(code(draft).includes("auth: [BASIC_USER, BASIC_PASSWORD]"), code(draft));
});

Deno.test("what is deprecated is left out and named", async () => {
  const draft = await read(api({ "/a": { get: OK, put: { ...OK, deprecated: true } } }));
  assert.deepEqual(calls(draft), ["GET /a"]);
  assert.ok(draft.notes.includes("Left out, because they are deprecated: PUT /a."));
});

Deno.test("errors name the operation and what is wrong with it", async () => {
  const what = "--openapi api.yaml: ";
  for (
    const [text, message] of [
      ["", "the file is empty"],
      ["- a", "expected an object, but the document is a list"],
      ["openapi: 3.1.0\npaths:\n  /a: {get: [}", "invalid YAML: line 3, column 14: "],
      ['{"openapi": "3.1.0",\n "paths": }', "invalid JSON: line 2, column 11: "],
      ['{"openapi": "3.1.0"', "invalid JSON: line 1, column 20: "],
      ["a: &a [*b]", "invalid YAML: "],
      [`a: ${"[".repeat(20_000)}`, "invalid YAML: line 1, column 8"],
      [`{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}`, "it is nested deeper than 500 levels"],
      ["a: &a {b: [*a]}", "an alias leads to what is around it"],
      ["swagger: '2.0'", "this is a document of Swagger 2.0, expected OpenAPI 3.0 or 3.1"],
      ["openapi: 4.0.0", "openapi: expected version 3.0 or 3.1, but it is 4.0.0"],
      ["openapi: [3]", "openapi: expected version 3.0 or 3.1, but it is a list"],
      ["{}", "this is no OpenAPI document: it has no version"],
      ["openapi: 3.1.0", "it has no operations: paths is empty or missing"],
      [api([]), "paths: expected an object, but it is a list"],
      [api({ a: {} }), "path a: expected it to start with a slash"],
      [api({ "/a": 5 }), "path /a: the path item: expected an object, but it is a number"],
      [api({ "/a": { get: [] } }), "GET /a: the operation: expected an object, but it is a list"],
      [
        api({ "/a": { get: { parameters: {} } } }),
        "GET /a: parameters: expected a list, but it is an object",
      ],
      [
        api({ "/a": { get: { parameters: [{ in: "query" }] } } }),
        "GET /a: parameter 1: expected a name, but it is missing",
      ],
      [
        api({ "/a": { post: { parameters: [{ name: "x", in: "body" }] } } }),
        'GET /a: parameter "x": in: expected path, query, header or cookie, but it is "body", which is of Swagger 2.0'
          .replace("GET", "POST"),
      ],
      [
        api({ "/a": { get: { ...OK, parameters: [{ $ref: "#/x/y" }] } } }),
        "GET /a: parameter 1: $ref #/x/y: there is no such part of the document",
      ],
      [
        api({
          "/a": {
            post: {
              ...OK,
              requestBody: { content: { "application/json": { schema: { $ref: "#/x" } } } },
            },
          },
        }),
        "POST /a: $ref #/x: there is no such part of the document",
      ],
      [
        api({ "/a": { get: { responses: { "200": { $ref: "https://x.example/a.yaml#/b" } } } } }),
        "GET /a: responses: $ref https://x.example/a.yaml#/b: documents on other hosts are not read",
      ],
      [api({ "/a": { get: { ...OK, deprecated: true } } }), "all of its operations are deprecated"],
    ] as const
  ) {
    const found = await told(text);
    assert.ok(found.startsWith(`${what}${message}`), `${found}\nexpected: ${message}`);
  }
  assert.equal(
    await told(api({ "/a": { $ref: "b.yaml" } })),
    "--openapi /home/me/b.yaml: file not found: /home/me/b.yaml",
  );
  assert.equal(
    await told(api({ "/a": { $ref: "#/paths/~1a" } })),
    "--openapi api.yaml: path /a: the path item: $ref #/paths/~1a: it leads to itself",
  );
  await assert.rejects(readOpenApi(new FakeHost({}), "no.yaml"), {
    name: "UsageError",
    message: "--openapi no.yaml: file not found: /home/me/no.yaml",
  });
});

Deno.test("a broken document is converted, or refused in words", async () => {
  const below = numbers(7);
  let converted = 0;
  for (const { name } of Deno.readDirSync(DATA)) {
    const document = parse(await Deno.readTextFile(`${DATA}/${name}`));
    for (let round = 0; round < ROUNDS; round++) {
      const text = JSON.stringify(mutatedJson(document, below));
      try {
        parseCode(code(await read(text)), { ecmaVersion: "latest", sourceType: "module" });
        converted++;
      } catch (error) {
        assert.ok(
          error instanceof UsageError,
          `${error instanceof Error ? error.stack : error}\n${text}`,
        );
      }
    }
  }
  assert.ok(converted > ROUNDS, String(converted));
});

Deno.test("half a document is refused with the line", async () => {
  const text = await Deno.readTextFile(`${DATA}/tracker.yaml`);
  for (let end = 1; end < text.length; end += 997) {
    await read(text.slice(0, end)).then(code).catch((error) => {
      assert.ok(error instanceof UsageError, `${error.stack}\n${text.slice(0, end).slice(-200)}`);
    });
  }
});
