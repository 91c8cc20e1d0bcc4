import assert from "node:assert/strict";
import { readCurl } from "../../src/convert/curl.ts";
import type { Draft } from "../../src/convert/draft.ts";
import { writeTest } from "../../src/convert/test_writer.ts";
import { UsageError } from "../../src/core/errors.ts";

const FILES: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
  "body.json": '{\n  "a": 1\n}\n',
  "lines.txt": "a\nb\n",
  "photo.png": Uint8Array.of(0x89, 0x50, 0xff),
  "headers.txt": "x-a: 1\nx-b: 2\n",
};

function read(...texts: string[]): Promise<Draft> {
  return readCurl(texts, (path) => {
    const content = FILES[path];
    if (content === undefined) throw new UsageError(`--curl: cannot read ${path}`);
    return Promise.resolve(
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  });
}

/** The statements of the test. */
async function code(...texts: string[]): Promise<string> {
  const text = writeTest(await read(...texts), { isTypeScript: false, command: "aiotest" });
  return /async test\w+\(\) \{\n(.*?)\n {2}\}\n/s.exec(text)![1]!.replaceAll(/^ {4}/gm, "");
}

async function refusal(text: string): Promise<string> {
  try {
    await read(text);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.exitCode, 2);
    return error.message;
  }
  throw new Error("it was accepted");
}

const URL = "https://shop.example/a";

for (
  const [options, expected] of [
    ["", `get("/a")`],
    ["-X DELETE", `delete("/a")`],
    ["-XPATCH", `patch("/a")`],
    ["--request=purge", `request("PURGE", "/a")`],
    ["-I", `head("/a")`],
    ["-sSLo /dev/null -w '%{http_code}'", `get("/a")`],
    [
      "-H 'X-A: b: c' -H 'X-Empty;' -H 'Accept:'",
      `get("/a", { headers: { "x-a": "b: c", "x-empty": "" } })`,
    ],
    ["-H @headers.txt", `get("/a", { headers: { "x-a": "1", "x-b": "2" } })`],
    [
      "-A me/1.0 -e https://a.example/",
      `get("/a", {\n  headers: { "user-agent": "me/1.0", referer: "https://a.example/" },\n})`,
    ],
    [
      "-d a=1 -d 'b=c d'",
      `post("/a", {\n  headers: { "content-type": "application/x-www-form-urlencoded" },\n  body: "a=1&b=c d",\n})`,
    ],
    ["-d a=1 -d b=c+d", `post("/a", { form: { a: "1", b: "c d" } })`],
    [
      "--data-urlencode 'q=a b&c' --data-urlencode '=x y'",
      `post("/a", {\n  headers: { "content-type": "application/x-www-form-urlencoded" },\n  body: "q=a%20b%26c&x%20y",\n})`,
    ],
    ["--data-urlencode q@lines.txt", `post("/a", { form: { q: "a\\nb\\n" } })`],
    [
      "-d @lines.txt",
      `post("/a", {\n  headers: { "content-type": "application/x-www-form-urlencoded" },\n  body: "ab",\n})`,
    ],
    [
      "--data-raw @lines.txt",
      `post("/a", {\n  headers: { "content-type": "application/x-www-form-urlencoded" },\n  body: "@lines.txt",\n})`,
    ],
    ["-G -d q=boots --data-urlencode 'r=a b'", `get("/a?q=boots&r=a%20b")`],
    [
      `-H 'Content-Type: application/json' -d '{"id":1,"tags":[]}'`,
      `post("/a", { json: { id: 1, tags: [] } })`,
    ],
    [
      `--json '{"a":1}'`,
      `post("/a", {\n  headers: { accept: "application/json" },\n  json: { a: 1 },\n})`,
    ],
    [
      "--json @body.json",
      `post("/a", {\n  headers: { accept: "application/json" },\n  json: { a: 1 },\n})`,
    ],
    [
      `-H 'content-type: application/vnd.api+json' -d '{"a":1}'`,
      `post("/a", {\n  headers: { "content-type": "application/vnd.api+json" },\n  json: { a: 1 },\n})`,
    ],
    // What JSON.parse would change stays text.
    [
      `-H 'content-type: application/json' -d '{"id":12345678901234567890}'`,
      `post("/a", {\n  headers: { "content-type": "application/json" },\n  body: '{"id":12345678901234567890}',\n})`,
    ],
    [
      "--data-binary @photo.png -H content-type:image/png",
      `post("/a", {\n  headers: { "content-type": "image/png" },\n  body: Uint8Array.fromBase64("iVD/"),\n})`,
    ],
    ["-T lines.txt", `put("/a", { body: "a\\nb\\n" })`],
    [
      "-F title=Boots -F 'file=@lines.txt;type=text/csv;filename=b.csv' -F 'note=<lines.txt'",
      `const aForm = new FormData();
aForm.append("title", "Boots");
aForm.append("file", new File(["a\\nb\\n"], "b.csv", { type: "text/csv" }));
aForm.append("note", "a\\nb\\n");
await this.session.post("/a", { body: aForm });`,
    ],
    ["-u ada:pw", `get("/a", { auth: ["ada", SHOP_PASSWORD] })`],
    ["--digest -u ada:pw", `get("/a", { auth: { digest: ["ada", SHOP_PASSWORD] } })`],
    ["-H 'Authorization: Basic YWRhOnB3'", `get("/a", { auth: ["ada", SHOP_PASSWORD] })`],
    [
      "-H 'Authorization: Bearer abc'",
      `get("/a", {\n  headers: { authorization: \`Bearer \${SHOP_TOKEN}\` },\n})`,
    ],
    [
      "--oauth2-bearer abc",
      `get("/a", {\n  headers: { authorization: \`Bearer \${SHOP_TOKEN}\` },\n})`,
    ],
    ["-b 'a=1; b=2'", `get("/a", { headers: { cookie: SHOP_COOKIE } })`],
    ["--url-query 'q=a b'", `get("/a?q=a%20b")`],
    [
      "-H 'X-Api-Key: abc' --compressed --http2 --no-buffer",
      `get("/a", { headers: { "x-api-key": SHOP_API_KEY } })`,
    ],
  ] as const
) {
  Deno.test(`curl ${options}`, async () => {
    const statement = expected.includes("await ") ? expected : `await this.session.${expected};`;
    assert.equal(await code(`curl -L ${options} ${URL}`), statement);
  });
}

Deno.test("what a browser copies loses the headers of the browser", async () => {
  assert.equal(
    await code(`curl 'https://shop.example/search?q=boots' \\
  -H 'accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' \\
  -H 'accept-language: de' \\
  -H 'cache-control: no-cache' \\
  -H 'priority: u=0, i' \\
  -H 'sec-ch-ua: "Chromium";v="142"' \\
  -H 'upgrade-insecure-requests: 1' \\
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0' \\
  -H 'x-shop: 1' --location`),
    `await this.session.get("/search?q=boots", {
  headers: { accept: "text/html", "accept-language": "de", "x-shop": "1" },
});`,
  );
});

Deno.test("a secret that is in several places is one variable, and in none of them", async () => {
  const draft = await read(
    `curl -H 'Authorization: Bearer abcdefgh1234' https://shop.example/a`,
    `curl 'https://shop.example/b?access_token=abcdefgh1234&user%5Bpassword%5D=x' -d '{"note":"is abcdefgh1234"}' -H content-type:application/json`,
  );
  const text = writeTest(draft, { isTypeScript: false, command: "aiotest" });
  assert.doesNotMatch(text, /abcdefgh1234/);
  assert.deepEqual(draft.secrets, [
    { name: "SHOP_TOKEN", meaning: "token of GET /a" },
    { name: "SHOP_PASSWORD", meaning: "password of POST /b" },
  ]);
  assert.ok(text.includes("note: `is ${SHOP_TOKEN}`"), text);
});

Deno.test("no variable has the name of an option of aiotest", async () => {
  const { secrets } = await read("curl -u ada:pw https://aiotest.example/");
  assert.deepEqual(secrets.map(({ name }) => name), ["SERVICE_PASSWORD"]);
});

Deno.test("several commands are one test, and other hosts are constants", async () => {
  const text = writeTest(
    await read(
      "curl -L http://127.0.0.1:8000/login -d a=b\ncurl -kL https://api.shop.example/x --next shop.example/y",
    ),
    { isTypeScript: true, command: "aiotest" },
  );
  assert.match(text, /\/\/ {5}aiotest --insecure -u 10 -r 10 -t 1m\n/);
  assert.match(
    text,
    /const API = "https:\/\/api\.shop\.example";\nconst SHOP = "http:\/\/shop\.example";\n/,
  );
  assert.match(text, /class ServiceTest/);
  assert.match(text, /redirect: "manual"/);
});

Deno.test("without --location, redirects are responses", async () => {
  const text = writeTest(await read(`curl ${URL}`), { isTypeScript: false, command: "aiotest" });
  assert.match(text, /\n {2}static maxRedirects = 0;\n/);
  assert.match(text, /\/\/ Redirects are not followed, because curl/);
  const { notes } = await read(`curl ${URL}; curl -L ${URL}`);
  assert.deepEqual(notes, ["Requests without --location do not follow redirects, as in curl."]);
});

for (
  const [text, message] of [
    ["", "--curl: expected a command that starts with curl, got nothing"],
    ["wget http://a", "--curl: expected a command that starts with curl, got wget"],
    [
      "Invoke-WebRequest -Uri http://a",
      "--curl: expected a command that starts with curl, got Invoke-WebRequest",
    ],
    ["curl", "--curl: request 1: it has no URL"],
    ["curl http://a\ncurl -s", "--curl: request 2: it has no URL"],
    ["curl --nothing http://a", "--curl: request 1: --nothing: unknown option of curl"],
    ["curl -§ http://a", "--curl: request 1: -§: unknown option of curl"],
    ["curl http://a -H", "--curl: request 1: -H lacks its value"],
    ["curl ftp://a/b", "--curl: request 1: ftp://a/b: expected a URL with http or https"],
    ["curl http://a:b:c", "--curl: request 1: http://a:b:c: invalid URL"],
    ["curl http://a -H 'no colon'", "--curl: request 1: header no colon: expected NAME: VALUE"],
    [
      "curl http://a -K file",
      "--curl: request 1: --config: options from a file are not read; write them into the command",
    ],
    ["curl http://a -d @missing", "--curl: cannot read missing"],
    ["curl http://a -F x", "--curl: request 1: -F x: expected NAME=VALUE"],
    ["curl http://a -X 'G T'", "--curl: request 1: -X G T: not a method of HTTP"],
  ] as const
) {
  Deno.test(`refused: ${text}`, async () => {
    assert.equal(await refusal(text), message);
  });
}
