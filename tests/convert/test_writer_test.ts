import assert from "node:assert/strict";
import { type Call, type Draft, type Step, Template, valueOf } from "../../src/convert/draft.ts";
import { writeTest } from "../../src/convert/test_writer.ts";

const HOST = "https://shop.example";
const COMMAND = "aiotest -f shop.ts";

function call(method: string, path: Call["url"]["path"], more: Partial<Call> = {}): Call {
  const url = { origin: HOST, path, query: [] };
  return { method, url, headers: [], checks: [], saves: [], ...more };
}

function step(...args: Parameters<typeof call>): Step {
  return { kind: "call", call: call(...args) };
}

function draft(steps: readonly Step[], more: Partial<Draft["classes"][number]> = {}): Draft {
  return {
    source: "Made from a test.",
    notes: [],
    secrets: [],
    classes: [{
      name: "ShopTest",
      host: HOST,
      newVisitor: true,
      tests: [{ name: "testVisit", steps }],
      ...more,
    }],
  };
}

/** The body of the only test. */
function body(steps: readonly Step[], more: Partial<Draft["classes"][number]> = {}): string {
  const text = writeTest(draft(steps, more), { isTypeScript: false, command: COMMAND });
  return /async testVisit\(\) \{\n(.*?)\n {2}\}\n/s.exec(text)![1]!.replaceAll(/^ {4}/gm, "");
}

const variable = (name: string): Template => valueOf({ kind: "variable", name });
const token = new Template(["Bearer ", { kind: "variable", name: "token" }]);

const VISIT: Draft = {
  source: "Made from shop.har, which Chrome 131 recorded on 30 November 2026.",
  notes: ["Left out, because they are requests to other hosts: www.google-analytics.com (2)."],
  secrets: [{ name: "SHOP_PASSWORD", meaning: "password of POST /login" }],
  classes: [{
    name: "ShopTest",
    comment: "A visit to the shop.",
    host: HOST,
    newVisitor: true,
    waitTime: 2,
    tests: [{
      name: "testVisit",
      steps: [
        { kind: "comment", text: "Page: Shop" },
        step("GET", "/", { headers: [["accept-language", "de"], ["accept", "text/html"]] }),
        { kind: "wait", seconds: 2.5 },
        step("POST", "/login", {
          headers: [["accept-language", "de"]],
          body: {
            kind: "json",
            value: { user: "ada", password: valueOf({ kind: "secret", name: "SHOP_PASSWORD" }) },
          },
          saves: [{
            variable: "token",
            example: "x",
            from: { kind: "json", path: ["session", "token"] },
          }],
        }),
        { kind: "comment", text: "Page: Orders" },
        step("GET", "/orders/123", {
          headers: [["accept-language", "de"], ["authorization", token]],
        }),
        {
          kind: "batch",
          calls: [
            call("GET", "/news", {
              headers: [["accept-language", "de"], ["authorization", token]],
            }),
            call("POST", "/seen", {
              url: { origin: "https://api.shop.example", path: "/seen", query: [] },
              headers: [["accept-language", "de"], ["authorization", token]],
              body: { kind: "json", value: { page: "/" } },
            }),
          ],
        },
      ],
    }],
  }],
};

Deno.test("a test file names its source, folds hosts and headers, and takes secrets from the environment", () => {
  assert.equal(
    writeTest(VISIT, { isTypeScript: true, command: COMMAND }),
    `// Made from shop.har, which Chrome 131 recorded on 30 November 2026.
//
// To run it with 10 users for a minute:
//
//     SHOP_PASSWORD=… aiotest -f shop.ts -u 10 -r 10 -t 1m
//
// Left out, because they are requests to other hosts: www.google-analytics.com
// (2).
import { events, FastHttpUser } from "aiotest";

const API = "https://api.shop.example";

// The password of POST /login.
const SHOP_PASSWORD = Deno.env.get("SHOP_PASSWORD") ?? "";

events.on("testStart", () => {
  const names = ["SHOP_PASSWORD"];
  for (const name of names) {
    if (Deno.env.get(name) === undefined) {
      throw new Error(\`Set \${name} in the environment\`);
    }
  }
});

// A visit to the shop.
export class ShopTest extends FastHttpUser {
  static override host = "https://shop.example";
  // Each iteration is a new visitor, with cookies of its own.
  static override session = "iteration" as const;
  static override waitTime = 2;
  static override headers = { "accept-language": "de" };

  async testVisit(): Promise<void> {
    // Page: Shop
    await this.session.get("/", { headers: { accept: "text/html" } });
    await this.sleep(2.5);
    const login = await this.session.post("/login", {
      json: { user: "ada", password: SHOP_PASSWORD },
    });
    const token = (await login.json()).session.token;
    this.session.headers.set("authorization", \`Bearer \${token}\`);

    // Page: Orders
    await this.session.get("/orders/123", { name: "/orders/:id" });
    await this.session.batch([
      "/news",
      ["POST", \`\${API}/seen\`, { json: { page: "/" } }],
    ]);
  }
}
`,
  );
});

Deno.test("in JavaScript, it is the same without types", () => {
  const script = writeTest(VISIT, { isTypeScript: false, command: COMMAND });
  assert.match(script, /^ {2}static host = "https:\/\/shop\.example";$/m);
  assert.match(script, /^ {2}static session = "iteration";$/m);
  assert.match(script, /^ {2}async testVisit\(\) \{$/m);
  assert.doesNotMatch(script, /override|Promise<|as const/);
});

Deno.test("queries are part of the URL while they are short", () => {
  const withQuery = (...query: Call["url"]["query"]): string =>
    body([step("GET", "/find", { url: { origin: HOST, path: "/find", query } })]);
  assert.equal(withQuery(["q", "a b"]), 'await this.session.get("/find?q=a%20b");');
  assert.equal(withQuery(["flag", null]), 'await this.session.get("/find?flag");');
  assert.equal(
    withQuery(["filter", "colour is red"], ["sort", "price"], ["page", "2"]),
    `await this.session.get("/find", {
  params: { filter: "colour is red", sort: "price", page: "2" },
});`,
  );
  assert.equal(
    withQuery(["tag", "aaaaaaaaaaaaa"], ["tag", "bbbbbbbbbbbb"], ["x", "1"]),
    `await this.session.get("/find", {
  params: { tag: ["aaaaaaaaaaaaa", "bbbbbbbbbbbb"], x: "1" },
});`,
  );
  // Objects would change the order.
  assert.equal(
    withQuery(["tag", "aaaaaaaaaaaaa"], ["x", "1"], ["tag", "bbbbbbbbbbbb"]),
    `await this.session.get("/find", {
  params: [["tag", "aaaaaaaaaaaaa"], ["x", "1"], ["tag", "bbbbbbbbbbbb"]],
});`,
  );
});

Deno.test("a variable that another test uses is a field", () => {
  const saver = step("POST", "/orders", {
    saves: [
      { variable: "orderId", example: 7, from: { kind: "json", path: ["id"] } },
      { variable: "state", example: "new", from: { kind: "json", path: ["state"] } },
    ],
  });
  const path = new Template(["/orders/", { kind: "variable", name: "orderId" }]);
  const text = writeTest(
    draft([saver, step("GET", "/", { headers: [["x-state", variable("state")]] })], {
      tests: [
        {
          name: "testBuy",
          steps: [saver, step("GET", "/", { headers: [["x-state", variable("state")]] })],
        },
        {
          name: "testLook",
          steps: [step("GET", path, { headers: [["x-id", variable("orderId")]] })],
        },
      ],
    }),
    { isTypeScript: true, command: COMMAND },
  );
  assert.match(text, /\n {2}orderId = 0;\n/);
  assert.ok(
    text.includes(`
    const orders = await this.session.post("/orders");
    const ordersJson = await orders.json();
    this.orderId = ordersJson.id;
    const state = ordersJson.state;
    await this.session.get("/", { headers: { "x-state": state } });
`),
    text,
  );
  assert.ok(
    text.includes(`
    await this.session.get(\`/orders/\${this.orderId}\`, {
      name: "/orders/:orderId",
      headers: { "x-id": \`\${this.orderId}\` },
    });
`),
    text,
  );
});

Deno.test("a variable that a group saves and later steps use is a field", () => {
  const text = body([
    {
      kind: "group",
      name: "login",
      steps: [
        step("POST", "/login", {
          saves: [
            { variable: "csrf", example: "x", from: { kind: "cookie", name: "XSRF" } },
            { variable: "next", example: "x", from: { kind: "header", name: "location" } },
          ],
        }),
        step("GET", new Template([{ kind: "variable", name: "next" }])),
      ],
    },
    step("POST", "/", { body: { kind: "form", fields: [["csrf", variable("csrf")]] } }),
  ]);
  assert.equal(
    text,
    `await this.group("login", async () => {
  const login = await this.session.post("/login");
  this.csrf = this.session.cookies.get("XSRF") ?? "";
  const next = login.headers.get("location") ?? "";
  await this.session.get(next, { name: ":next" });
});
await this.session.post("/", { form: { csrf: this.csrf } });`,
  );
});

Deno.test("values come out of pages, texts and URLs", () => {
  const text = body([
    step("GET", "/", {
      saves: [
        {
          variable: "csrf",
          example: "x",
          from: { kind: "html", selector: 'input[name="csrf"]', attribute: "value" },
        },
        { variable: "key", example: "x", from: { kind: "text", pattern: /key: "([^"]+)"/ } },
        { variable: "id", example: 7, from: { kind: "url", pattern: /\/orders\/([^/?]+)/ } },
      ],
    }),
    step("POST", "/", {
      body: {
        kind: "json",
        value: [variable("csrf"), { id: variable("id"), key: variable("key") }],
      },
    }),
  ]);
  assert.equal(
    text,
    `const page = await this.session.get("/");
const pageHtml = await page.html();
const csrf = pageHtml.find('input[name="csrf"]')?.attr("value") ?? "";
const key = /key: "([^"]+)"/.exec(await page.text())?.[1] ?? "";
const id = Number(/\\/orders\\/([^/?]+)/.exec(page.url)?.[1] ?? "");
await this.session.post("/", { json: [csrf, { id, key }] });`,
  );
});

Deno.test("checks become assertions, and an expected error is no failure", () => {
  assert.equal(
    body([
      step("GET", "/gone", { checks: [{ kind: "status", statuses: [410] }] }),
      step("GET", "/found", {
        checks: [
          { kind: "json", path: ["a", 0, "b-c"], equals: "x" },
          { kind: "json", path: [], equals: { a: [1] } },
          { kind: "text", includes: "found" },
          { kind: "header", name: "x-a", equals: "1" },
        ],
      }),
    ]),
    `await this.session.get("/gone", {}, (res) => {
  assert.equal(res.status, 410);
  res.success(); // this status is expected
});
await this.session.get("/found", {}, async (res) => {
  assert.equal((await res.json()).a[0]["b-c"], "x");
  assert.deepEqual(await res.json(), { a: [1] });
  assert.ok((await res.text()).includes("found"));
  assert.equal(res.headers.get("x-a"), "1");
});`,
  );
});

Deno.test("multipart bodies, bytes, other methods and credentials", () => {
  assert.equal(
    body([
      step("PUT", "/upload", {
        body: {
          kind: "multipart",
          parts: [
            { name: "title", value: "A" },
            { name: "file", value: "a,b\n", file: { name: "a.csv", type: "text/csv" } },
          ],
        },
      }),
      step("POST", "/bytes", { body: { kind: "bytes", base64: "AAEC" } }),
      step("PROPFIND", "/files", {
        auth: { kind: "basic", user: "ada", password: "x" },
        keepsRedirect: true,
      }),
    ]),
    `const uploadForm = new FormData();
uploadForm.append("title", "A");
uploadForm.append(
  "file",
  new File(["a,b\\n"], "a.csv", { type: "text/csv" }),
);
await this.session.put("/upload", { body: uploadForm });
await this.session.post("/bytes", { body: Uint8Array.fromBase64("AAEC") });
await this.session.request("PROPFIND", "/files", {
  auth: ["ada", "x"],
  redirect: "manual",
});`,
  );
});

Deno.test("nothing that was read ends a string or a comment", () => {
  const evil = "\u2028*/\n`${process.exit()}\"'\\\u202e\0";
  const text = writeTest(
    {
      ...draft([
        { kind: "comment", text: evil },
        step("GET", `/${encodeURIComponent(evil)}`, {
          headers: [["x-evil", evil]],
          body: { kind: "json", value: { [evil]: new Template([evil, { kind: "host" }]) } },
        }),
        step("POST", "/", { body: { kind: "json", value: JSON.parse('{"__proto__":{"a":1}}') } }),
      ], { comment: evil }),
      source: evil,
      notes: [evil],
    },
    { isTypeScript: false, command: COMMAND },
  );
  const module = text.replace('import { FastHttpUser } from "aiotest";', "class FastHttpUser {}")
    .replace("export class", "return class");
  const Test = new Function(module)();
  const seen: unknown[][] = [];
  const remember = (...args: unknown[]): Promise<void> => Promise.resolve(void seen.push(args));
  const user = { session: { get: remember, post: remember }, host: HOST };
  Test.prototype.testVisit.call(user);
  assert.deepEqual(seen[0]![1], {
    headers: { "x-evil": evil },
    json: { [evil]: `${evil}${HOST}` },
  });
});

Deno.test("a single check is an expression, and a status can be one of several", () => {
  assert.equal(
    body([
      step("GET", "/a", { checks: [{ kind: "status", statuses: [200] }] }),
      step("GET", "/b", { checks: [{ kind: "status", statuses: [200, 202] }] }),
    ]),
    `await this.session.get("/a", {}, (res) => assert.equal(res.status, 200));
await this.session.get(
  "/b",
  {},
  (res) => assert.ok([200, 202].includes(res.status)),
);`,
  );
});

Deno.test("constants are at the top, and code is where its value is needed", () => {
  const constant = { kind: "constant", name: "STORE_ID" } as const;
  const id = { kind: "code", name: "guid", code: "crypto.randomUUID()", type: "string" } as const;
  const now = { kind: "code", name: "now", code: "Date.now()", type: "number" } as const;
  const made = draft([
    step("POST", new Template(["/stores/", constant, "/", id]), {
      headers: [["x-id", valueOf(id)], ["x-now", valueOf(now)], ["x-store", valueOf(constant)]],
      body: { kind: "json", value: { now: valueOf(now), store: valueOf(constant), id: "id" } },
    }),
  ]);
  const constants = [{ name: "STORE_ID", value: 17, comment: "A store that exists." }];
  const text = writeTest({ ...made, constants }, { isTypeScript: false, command: COMMAND });
  assert.ok(text.includes("\n// A store that exists.\nconst STORE_ID = 17;\n"), text);
  assert.ok(text.includes("post(`/stores/${STORE_ID}/${crypto.randomUUID()}`, {"), text);
  assert.ok(text.includes('name: "/stores/:STORE_ID/:guid"'), text);
  assert.ok(
    text.includes(
      '"x-id": crypto.randomUUID(),\n        "x-now": `${Date.now()}`,\n        "x-store": `${STORE_ID}`',
    ),
    text,
  );
  assert.ok(text.includes('json: { now: Date.now(), store: STORE_ID, id: "id" }'), text);
});

Deno.test("a saved value can be a string in JSON, and a header of the name of its value is no short form", () => {
  assert.equal(
    body([
      step("POST", "/a", {
        saves: [{ variable: "id", example: "1", from: { kind: "json", path: ["id"] } }],
      }),
      step("PUT", "/b", {
        headers: [["x-id", "x-id"]],
        body: {
          kind: "json",
          value: {
            one: valueOf({ kind: "variable", name: "id" }),
            two: valueOf({ kind: "variable", name: "id", asString: true }),
          },
        },
      }),
    ]),
    `const a = await this.session.post("/a");
const id = (await a.json()).id;
await this.session.put("/b", {
  headers: { "x-id": "x-id" },
  json: { one: id, two: String(id) },
});`,
  );
});
