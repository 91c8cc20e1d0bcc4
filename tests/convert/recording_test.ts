import assert from "node:assert/strict";
import type { Draft } from "../../src/convert/draft.ts";
import { readHar } from "../../src/convert/har.ts";
import { draftOfRecording, type RecordingOptions } from "../../src/convert/recording.ts";
import { writeTest } from "../../src/convert/test_writer.ts";
import { UsageError } from "../../src/core/errors.ts";
import { harOf, type HarRequest } from "../support/hars.ts";

const SHOP = "https://www.shop.example";
const API = "https://api.shop.example";

type Options = Partial<RecordingOptions>;

function draft(requests: readonly HarRequest[], options: Options = {}): Promise<Draft> {
  const all = { withResources: false, hosts: [], name: "visit.har", ...options };
  return draftOfRecording(readHar(harOf(requests), "visit.har"), all);
}

/** The statements of the test. */
async function code(requests: readonly HarRequest[], options?: Options): Promise<string> {
  const made = await draft(requests, options);
  const text = writeTest(made, { isTypeScript: false, command: "aiotest" });
  return /async testVisit\(\) \{\n(.*?)\n {2}\}\n/s.exec(text)![1]!.replaceAll(/^ {4}/gm, "");
}

function page(url: string, more: Partial<HarRequest> = {}): HarRequest {
  return { url, type: "text/html; charset=utf-8", kind: "document", ...more };
}

function json(text: string): HarRequest["body"] {
  return { mimeType: "application/json", text };
}

Deno.test("resources are left out by their type, media type or file name", async () => {
  const requests: HarRequest[] = [
    page(`${SHOP}/`),
    { url: `${SHOP}/a`, kind: "image", type: "" },
    { url: `${SHOP}/b`, type: "text/css" },
    { url: `${SHOP}/c.woff2`, type: "application/octet-stream" },
    { url: `${SHOP}/d.js`, type: "", status: 304 },
    { url: `${SHOP}/data.js`, type: "application/json" },
    { url: `${SHOP}/avatar`, kind: "xhr", type: "image/png" },
  ];
  assert.equal(
    await code(requests),
    `await this.session.get("/");\nawait this.session.get("/data.js");\nawait this.session.get("/avatar");`,
  );
  assert.deepEqual((await draft(requests)).notes, [
    "Left out, as resources of pages: 4 images, style sheets, scripts and fonts. --with-resources keeps them.",
  ]);
  assert.match(await code(requests, { withResources: true }), /"\/c\.woff2"/);
});

Deno.test("other sites are left out, and hosts of the same site are kept", async () => {
  const requests: HarRequest[] = [
    { url: "https://early.example.org/", kind: "fetch" },
    page(`${SHOP}/`),
    { url: `${API}/items` },
    { url: "https://stats.example.net/a" },
    { url: "https://stats.example.net/b" },
    { url: "https://cdn.other.example/x" },
    { url: "https://notshop.example/x" },
  ];
  assert.equal(
    await code(requests),
    'await this.session.get("/");\nawait this.session.get(`${API}/items`);',
  );
  assert.deepEqual((await draft(requests)).notes, [
    "Left out, as requests to other hosts: stats.example.net (2), early.example.org, " +
    "cdn.other.example, notshop.example. --hosts keeps them.",
  ]);
  assert.match(await code(requests, { hosts: ["other.example"] }), /\$\{CDN\}\/x/);
  assert.equal((await draft(requests, { hosts: ["*"] })).notes.length, 0);
  assert.equal(
    (await draft(requests, { hosts: ["*.shop.example", "typo.example"] })).notes.at(-1),
    "--hosts typo.example: no request was sent there.",
  );
});

Deno.test("connections and requests that a test cannot repeat are left out", async () => {
  const made = await draft([
    page(`${SHOP}/`),
    { url: "wss://www.shop.example/live", status: 101 },
    { url: `${SHOP}/events`, type: "text/event-stream" },
    { url: `${SHOP}/blocked`, status: 0 },
    { url: "data:text/plain,a" },
    { url: "blob:https://www.shop.example/1" },
    { url: "chrome-extension://abc/x.js" },
    {
      url: `${API}/items`,
      method: "OPTIONS",
      headers: { "Access-Control-Request-Method": "POST" },
      status: 204,
    },
    { url: `${API}/items`, method: "OPTIONS", at: 200 },
  ]);
  assert.deepEqual(made.notes, [
    "Left out, as WebSocket connections: www.shop.example.",
    "Left out, as streams of events, which do not end: /events.",
    "Left out, as requests without a response: /blocked.",
  ]);
  assert.equal(made.classes[0]!.tests[0]!.steps.length, 2);
});

Deno.test("followed redirects are one request, and those to other sites are not followed", async () => {
  const redirect = (location: string): Partial<HarRequest> => ({
    status: 302,
    sets: [["Location", location]],
  });
  assert.equal(
    await code([
      page("http://shop.example/", redirect("https://shop.example/")),
      page("https://shop.example/", redirect(`${SHOP}/`)),
      page(`${SHOP}/`),
      page(`${SHOP}/pay`, redirect("https://bank.example.net/pay")),
      page("https://bank.example.net/pay"),
      page(`${SHOP}/old`, redirect("/never-requested")),
    ]),
    `await this.session.get(\`\${SHOP}/\`);
await this.session.get("/pay", { redirect: "manual" });
await this.session.get("/old");`,
  );
});

Deno.test("a browser that goes to HTTPS by itself did not ask the server", async () => {
  const made = await draft([
    page("http://www.shop.example/", {
      status: 307,
      sets: [["Location", `${SHOP}/`], ["Non-Authoritative-Reason", "HSTS"]],
    }),
    page(`${SHOP}/`),
  ]);
  assert.equal(made.classes[0]!.host, SHOP);
  assert.equal(made.classes[0]!.tests[0]!.steps.length, 1);
});

Deno.test("pauses are rounded and limited, and requests that overlap are parallel", async () => {
  assert.equal(
    await code([
      page(`${SHOP}/`, { at: 0, lasts: 500, page: "Start" }),
      { url: `${SHOP}/a`, at: 400, lasts: 300, page: "Start" },
      { url: `${SHOP}/b`, at: 450, lasts: 50, page: "Start" },
      { url: `${SHOP}/c`, at: 510, lasts: 100, page: "Start" },
      { url: `${SHOP}/d`, at: 1_050, page: "Start" },
      { url: `${SHOP}/e`, at: 2_400, page: "Start" },
      page(`${SHOP}/cart`, { at: 25_000, page: "Cart" }),
      page(`${SHOP}/late`, { at: 900_000, page: "" }),
    ]),
    `// Page: Start
await this.session.get("/");
await this.session.batch(["/a", "/b"]);
await this.session.get("/c");
await this.session.get("/d");
await this.sleep(1.5);
await this.session.get("/e");
await this.sleep(23);

// Page: Cart
await this.session.get("/cart");
await this.sleep(60);

// Page: /late
await this.session.get("/late");`,
  );
});

Deno.test("bodies come from the text or from fields, and one that is missing is named", async () => {
  assert.equal(
    await code([
      page(`${SHOP}/`),
      {
        url: `${SHOP}/form`,
        body: {
          mimeType: "application/x-www-form-urlencoded",
          params: [{ name: "a", value: "1 2" }, { name: "b", value: "ü" }],
        },
      },
      {
        url: `${SHOP}/upload`,
        body: {
          mimeType: "multipart/form-data; boundary=x",
          params: [{ name: "a", value: "1" }, {
            name: "f",
            fileName: "a.bin",
            contentType: "image/png",
          }],
        },
      },
      {
        url: `${SHOP}/xml`,
        headers: { "content-type": "text/xml" },
        body: { mimeType: "", text: "<a/>" },
      },
      { url: `${SHOP}/encoded`, body: { ...json("eyJhIjoxfQ=="), encoding: "base64" } },
      { url: `${SHOP}/missing`, body: { mimeType: "application/json" } },
      {
        url: `${SHOP}/graphql`,
        body: json('{"operationName":"Items","query":"query Items { items }"}'),
      },
    ]),
    `await this.session.get("/");
await this.session.post("/form", { form: { a: "1 2", b: "ü" } });
const uploadForm = new FormData();
uploadForm.append("a", "1");
uploadForm.append("f", new File([""], "a.bin", { type: "image/png" }));
await this.session.post("/upload", { body: uploadForm });
await this.session.post("/xml", {
  headers: { "content-type": "text/xml" },
  body: "<a/>",
});
await this.session.post("/encoded", { json: { a: 1 } });
// The recording does not contain the body of this request.
await this.session.post("/missing");
await this.session.post("/graphql", {
  name: "/graphql Items",
  json: { operationName: "Items", query: "query Items { items }" },
});`,
  );
});

Deno.test("hidden fields, meta elements, cookies and headers give their values to later requests", async () => {
  const text = await code([
    page(`${SHOP}/`, {
      answer:
        `<meta name="csrf-token" content="Qx7kP2mZ9vB4"><input type="hidden" name="_state[v]" value="3f9a7c21e0b4d8">`,
      sets: [["set-cookie", "XSRF-TOKEN=eyJpdiI6IkZq%3D%3D; path=/"], [
        "x-session-key",
        "k3j4h5g6f7d8",
      ]],
    }),
    {
      url: `${SHOP}/save`,
      headers: {
        "X-CSRF-Token": "Qx7kP2mZ9vB4",
        "X-XSRF-TOKEN": "eyJpdiI6IkZq==",
        "X-Key": "k3j4h5g6f7d8",
      },
      body: {
        mimeType: "application/x-www-form-urlencoded",
        text: "_state%5Bv%5D=3f9a7c21e0b4d8&name=a",
      },
    },
  ]);
  assert.equal(
    text,
    `const page = await this.session.get("/");
const pageHtml = await page.html();
const csrfToken =
  pageHtml.find("meta[name=csrf-token]")?.attr("content") ?? "";
const xsrfToken = decodeURIComponent(
  this.session.cookies.get("XSRF-TOKEN") ?? "",
);
const sessionKey = page.headers.get("x-session-key") ?? "";
const stateV =
  pageHtml.find('input[name="_state[v]"]')?.attr("value") ?? "";
await this.session.post("/save", {
  headers: {
    "x-csrf-token": csrfToken,
    "x-xsrf-token": xsrfToken,
    "x-key": sessionKey,
  },
  form: { "_state[v]": stateV, name: "a" },
});`,
  );
});

Deno.test("ids come from the response that they belong to", async () => {
  const text = await code([
    page(`${SHOP}/`),
    { url: `${API}/me`, answer: '{"user":{"id":1}}' },
    {
      url: `${API}/orders`,
      answer: '{"count":2,"orders":[{"id":1,"total":12},{"id":2,"total":1}]}',
    },
    { url: `${API}/orders/1` },
    { url: `${API}/users/1` },
    { url: `${API}/pages/12` },
    { url: `${API}/notes`, body: json('{"orderId":"2","text":"boots"}') },
  ]);
  assert.match(text, /const userId = \(await me\.json\(\)\)\.user\.id;/);
  assert.match(text, /const orderId = ordersJson\.orders\[0\]\.id;/);
  assert.match(text, /`\$\{API\}\/orders\/\$\{orderId\}`/);
  assert.match(text, /`\$\{API\}\/users\/\$\{userId\}`/);
  assert.match(text, /`\$\{API\}\/pages\/12`, \{ name: "\/pages\/:id" \}/);
  // The service wants text, as it was sent.
  assert.match(text, /json: \{ orderId: String\(orderId2\), text: "boots" \}/);
});

Deno.test("what the browser has sent before, or what came too late, is not taken from a response", async () => {
  const text = await code([
    page(`${SHOP}/`),
    { url: `${API}/carts/a1b2c3d4e5f6`, answer: '{"id":"a1b2c3d4e5f6"}' },
    { url: `${API}/carts/a1b2c3d4e5f6/items` },
    { url: `${API}/slow`, at: 1_000, lasts: 900, answer: '{"id":"f6e5d4c3b2a1"}' },
    { url: `${API}/things/f6e5d4c3b2a1`, at: 1_100 },
  ]);
  assert.doesNotMatch(text, /const /);
});

Deno.test("an id in the URL that a redirect leads to, and tokens in scripts", async () => {
  assert.equal(
    await code([
      page(`${SHOP}/new`, {
        answer: `<script>window.app = { "apiKey": "Zx81mQ0aLp27RtYv" };</script>`,
      }),
      page(`${SHOP}/orders`, {
        method: "POST",
        status: 303,
        sets: [["location", "/orders/58213/thanks"]],
      }),
      page(`${SHOP}/orders/58213/thanks`),
      { url: `${API}/orders/58213`, headers: { "x-api-key": "Zx81mQ0aLp27RtYv" } },
    ]),
    `const newValue = await this.session.get("/new");
const apiKey = /apiKey": "([^"]+)/.exec(await newValue.text())?.[1] ?? "";
const orders = await this.session.post("/orders");
const orderId = /orders\\/([^/?#]+)/.exec(orders.url)?.[1] ?? "";
await this.session.get(\`\${API}/orders/\${orderId}\`, {
  name: "/orders/:orderId",
  headers: { "x-api-key": apiKey },
});`,
  );
});

Deno.test("secrets that come from nowhere are variables of the environment", async () => {
  const made = await draft([
    page(`${SHOP}/?key=AIzaSyA-1234567890abcdefghijklmnopqrstu`),
    {
      url: `${API}/login`,
      headers: { Authorization: "Bearer recorded-before" },
      body: json('{"user":"ada","credentials":{"password":"hunter22"}}'),
    },
    { url: `${API}/me?session=hunter22` },
  ]);
  const text = writeTest(made, { isTypeScript: false, command: "aiotest" });
  assert.doesNotMatch(text, /AIza|recorded-before|hunter22/);
  assert.deepEqual(made.secrets.map(({ name }) => name), [
    "SHOP_KEY",
    "SHOP_TOKEN",
    "SHOP_PASSWORD",
  ]);
});

Deno.test("cookies from before the recording are named, and so is a recording without any", async () => {
  const made = await draft([
    page(`${SHOP}/`, {
      headers: { Cookie: "consent=yes; _ga=1; sid=abc" },
      sets: [["Set-Cookie", "cart=1\nseen=1"]],
    }),
    page(`${SHOP}/a`, { headers: { Cookie: "consent=yes; cart=1; seen=1" } }),
  ]);
  assert.match(made.notes.join(), /already had these cookies: consent, sid\./);
  assert.doesNotMatch(JSON.stringify(made), /abc/);
  const chrome = harOf([page(`${SHOP}/`)], {
    creator: { name: "WebInspector", version: "537.36" },
  });
  const sanitized = await draftOfRecording(readHar(chrome, "visit.har"), {
    withResources: false,
    hosts: [],
    name: "visit.har",
  });
  assert.match(sanitized.notes.join(), /Chrome leaves them out/);
});

for (
  const [what, text, message] of [
    ["no JSON", "<html>", /^--har: visit\.har is not valid JSON: /],
    ["an empty file", "", /^--har: visit\.har is not valid JSON: /],
    [
      "cut off",
      harOf([page(SHOP)]).slice(0, -20),
      /^--har: visit\.har is not valid JSON: .*position \d+/,
    ],
    [
      "other JSON",
      '{"a":1}',
      /^--har: visit\.har is not a HAR file: expected an object with log\.entries$/,
    ],
    ["a list", "[]", /not a HAR file/],
    ["no requests", '{"log":{"entries":[]}}', /^--har: visit\.har contains no requests$/],
    [
      "an entry of another type",
      '{"log":{"entries":[1]}}',
      /^--har: visit\.har: entry 1: expected an object$/,
    ],
    ["no request", '{"log":{"entries":[{}]}}', /entry 1: it has no request$/],
    [
      "no URL",
      '{"log":{"entries":[{"request":{"method":"GET"}}]}}',
      /entry 1: request\.url is missing, or is not text$/,
    ],
    [
      "no method",
      '{"log":{"entries":[{"request":{"url":"http://a/"}}]}}',
      /entry 1 \(http:\/\/a\/\): request\.method is not a method of HTTP$/,
    ],
    [
      "a URL that is none",
      '{"log":{"entries":[{"request":{"method":"GET","url":"/a\\u001b"}}]}}',
      /entry 1 \(GET \/a␛\): request\.url is not a URL$/,
    ],
    [
      "headers that are no list",
      '{"log":{"entries":[{"request":{"method":"GET","url":"http://a/","headers":{}}}]}}',
      /entry 1 \(GET http:\/\/a\/\): request\.headers is not a list$/,
    ],
    [
      "only extensions",
      '{"log":{"entries":[{"request":{"method":"GET","url":"about:blank"}}]}}',
      /contains no requests of HTTP$/,
    ],
    [
      "only images",
      harOf([{ url: `${SHOP}/a.png`, type: "image/png" }]),
      /^--har: no request of visit\.har is left for a test$/,
    ],
  ] as const
) {
  Deno.test(`refused: ${what}`, async () => {
    const options = { withResources: false, hosts: [], name: "visit.har" };
    const attempt = async (): Promise<Draft> =>
      await draftOfRecording(readHar(text, "visit.har"), options);
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}
