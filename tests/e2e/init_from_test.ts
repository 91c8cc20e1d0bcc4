import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { browserTest } from "../support/browser.ts";
import { identity } from "../support/certificates.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { RecordedShop, SHOP_VISIT } from "../support/recorded_shop.ts";

const PASSWORD = "correct horse";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The file that is created if none is named; with what an editor needs to check its types. */
const TYPED = "aiotestfile.ts";

/** Converts, and checks that the file is formatted, correct, and accepted by `aiotest check`. */
async function convert(
  folder: string,
  file: string,
  ...args: readonly string[]
): Promise<{ init: Finished; code: string }> {
  const operands = file === TYPED ? [] : [file];
  const init = await runAiotest(["init", ...operands, ...args], { cwd: folder });
  assert.equal(init.code, 0, init.stderr);
  const path = `${folder}/${file}`;
  const code = await Deno.readTextFile(path);
  const format = ["fmt", "--check", "--no-config", path];
  const { code: unformatted, stderr } = await runCommand(Deno.execPath(), format, { cwd: folder });
  assert.equal(unformatted, 0, `${stderr}\n${code}`);
  if (file === TYPED) {
    const types = await runCommand(
      Deno.execPath(),
      ["check", "--no-remote", "--no-npm", file],
      { cwd: folder },
    );
    assert.equal(types.code, 0, `${types.stderr}\n${code}`);
  }
  const check = await runAiotest(["check", file], { cwd: folder });
  assert.equal(check.code, 0, check.stderr);
  assert.doesNotMatch(check.stdout, /[Ww]arning/);
  return { init, code };
}

/** Runs one iteration of one user, without its waits. */
async function runOnce(
  folder: string,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Summary> {
  const path = `${folder}/${file}`;
  const code = await Deno.readTextFile(path);
  await Deno.writeTextFile(
    path,
    code.replaceAll(/await this\.sleep\([\d.]+\)/g, "await this.sleep(0)"),
  );
  const json = `${folder}/report.json`;
  const run = await runAiotest(
    ["-f", file, "--iterations", "1", "--json", json, ...args],
    { cwd: folder, env },
  );
  assert.equal(run.code, 0, `${run.stdout}\n${run.stderr}\n${code}`);
  return JSON.parse(await Deno.readTextFile(json));
}

browserTest("what Chromium records of a visit becomes a test that repeats it", async (browser) => {
  await inFolder(async (folder) => {
    await using shop = new RecordedShop({
      password: PASSWORD,
      api: (port) => `http://localhost:${port}`,
    });
    const har = `${folder}/visit.har`;
    const context = await browser.newContext({ recordHar: { path: har, content: "embed" } });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${shop.port}/`);
    await page.click("a");
    await page.fill("input[name=username]", "ada");
    await page.fill("input[name=password]", PASSWORD);
    await page.click("button");
    await page.waitForSelector("text=loaded");
    await page.click("#buy");
    await page.waitForSelector("text=bought");
    await context.close();
    for (const file of [TYPED, "visit.js"]) {
      const { code } = await convert(folder, file, "--har", har, "--hosts", "localhost");
      assert.ok(!code.includes(PASSWORD));
      shop.requests.length = 0;
      const summary = await runOnce(folder, file, [], { SERVICE_PASSWORD: PASSWORD });
      assert.deepEqual(shop.summary().sort(), [...SHOP_VISIT].sort());
      assert.equal(summary.totals.failures, 0);
      // The browser was redirected, and so is the user: these two are one request.
      assert.equal(summary.totals.requests, SHOP_VISIT.length - 1);
    }
  });
});

for (const browser of ["chrome", "firefox", "safari"]) {
  Deno.test(`a recording of ${browser} becomes a test that repeats it, with values of its own`, async () => {
    await inFolder(async (folder) => {
      await using shop = new RecordedShop({
        password: PASSWORD,
        tls: identity("good"),
        api: () => "https://api.shop.example",
      });
      const har = projectPath(`tests/convert/recordings/${browser}.har`);
      const file = browser === "chrome" ? TYPED : "visit.js";
      const { init, code } = await convert(folder, file, "--har", har);
      for (const recorded of ["recorded password", "tk_9b2d", "5f0c6a1b", "18234", "0f9e8d7c"]) {
        assert.ok(!code.includes(recorded), `${recorded} is in ${code}`);
      }
      assert.match(init.stderr, /other hosts: .*www\.google-analytics\.com.* --hosts keeps them\./);
      assert.match(init.stderr, /4 images, style sheets, scripts and fonts/);
      const summary = await runOnce(
        folder,
        file,
        ["--insecure", "--connect-to", `::127.0.0.1:${shop.port}`],
        { SHOP_PASSWORD: PASSWORD },
      );
      assert.deepEqual(shop.summary(), [...SHOP_VISIT, "POST /v1/photos 200"]);
      assert.deepEqual(
        shop.requests.map(({ host }) => host),
        [...Array(4).fill("shop.example"), ...Array(9).fill("api.shop.example")],
      );
      const login = shop.requests.find(({ method }) => method === "POST")!;
      assert.equal(login.headers.get("origin"), "https://shop.example");
      assert.equal(login.headers.get("accept-language"), "de-DE,de;q=0.9,en;q=0.8");
      assert.equal(login.headers.get("sec-fetch-mode"), null);
      assert.equal(summary.totals.failures, 0);
      assert.deepEqual(
        summary.requests.map(({ name }) => name).filter((name) => name.includes(":")).sort(),
        ["/v1/carts/:cartId/items", "/v1/orders/:orderId"],
      );
    });
  });
}

/** A request as a service sees it, without what differs between clients. */
interface SeenRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly body: unknown;
}

async function seen(request: Request): Promise<SeenRequest> {
  const url = new URL(request.url);
  const type = request.headers.get("content-type") ?? "";
  const names = [...request.headers.keys()].filter((name) =>
    /^(?:x-.*|authorization|cookie|referer|range)$/.test(name)
  );
  const form = type.startsWith("multipart/") ? await request.formData() : null;
  const parts = form === null ? null : await Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === "string" ? [name, value] : [name, value.name, value.type, await value.text()]
    ),
  );
  const text = parts === null ? await request.text() : "";
  return {
    line: `${request.method} ${url.pathname} ${JSON.stringify([...url.searchParams])}`,
    headers: Object.fromEntries([
      ...names.map((name) => [name, request.headers.get(name)]),
      ["content-type", type.split(";")[0]!],
    ]),
    body: parts ??
      (/json/.test(type)
        ? JSON.parse(text)
        : /urlencoded/.test(type)
        ? [...new URLSearchParams(text)]
        : text),
  };
}

const COMMANDS = [
  "curl URL/plain",
  "curl -s 'URL/search?q=a%20b&tag=1&tag=2&flag&x=%C3%BC' -H 'X-A: 1'",
  `curl URL/json -H 'Content-Type: application/json' --data-raw $'{"name":"O\\'Neil \\u00fc","n":1.5,"list":[1,{"a":null}]}'`,
  "curl URL/json --json '{\"a\": true}' -X PUT",
  "curl URL/form -d 'a=1&b=2+3' --data-urlencode 'c=x & y' -d @data.txt",
  "curl -G URL/get -d 'q=boots' --data-urlencode 'r=ü ?'",
  "curl URL/upload -F title=Boots -F 'photo=@photo.txt;type=image/x-test' -F 'note=<data.txt'",
  "curl -T photo.txt URL/put/photo.txt -H 'Content-Type: text/plain'",
  "curl -u 'ada:p:w' URL/basic -b 'a=1; b=2' -e http://other.example/",
  "curl -X DELETE URL/orders/4711 -H 'Authorization: Bearer abcdefgh'",
  "curl -I URL/head",
  "curl -r 0-99 'URL/range' -H 'X-Quoted: \"a\"' \\\n  --compressed",
  "curl --data-binary '<a>\n  b\n</a>' -H 'Content-Type: text/xml' URL/xml",
  `curl --url URL/last -XPATCH -H "X-B: it's" -d ''`,
];

Deno.test({
  name: "a test made of commands sends what curl itself sends",
  ignore: isMissing("curl"),
  fn: async () => {
    await inFolder(async (folder) => {
      const requests: SeenRequest[] = [];
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          requests.push(await seen(request));
          return new Response("ok");
        },
      );
      await Deno.writeTextFile(`${folder}/data.txt`, "d=4");
      await Deno.writeTextFile(`${folder}/photo.txt`, "a photo\nin text\n");
      const url = `http://127.0.0.1:${server.addr.port}`;
      const commands = COMMANDS.map((command) => command.replace("URL", url));
      const shell = await runCommand("bash", ["-c", commands.join("\n")], { cwd: folder });
      assert.equal(shell.code, 0, shell.stderr);
      const expected = requests.splice(0);
      assert.equal(expected.length, COMMANDS.length);

      await Deno.writeTextFile(`${folder}/commands.sh`, commands.join("\n"));
      const { code } = await convert(folder, "commands.js", "--curl", "commands.sh");
      assert.doesNotMatch(code, /abcdefgh|p:w/);
      const summary = await runOnce(folder, "commands.js", [], {
        SERVICE_TOKEN: "abcdefgh",
        SERVICE_PASSWORD: "p:w",
        SERVICE_COOKIE: "a=1; b=2",
      });
      assert.deepEqual(requests, expected);
      assert.equal(summary.totals.failures, 0);
    });
  },
});
