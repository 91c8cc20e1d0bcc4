import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { browserTest } from "../support/browser.ts";
import { identity } from "../support/certificates.ts";
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
