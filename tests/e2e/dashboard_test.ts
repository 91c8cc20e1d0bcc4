/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Summary } from "../../src/report/summary.ts";
import {
  formatBytes,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../../src/web/page/format.js";
import { browserTest, openPage, rowsOf, textOf, waitForText } from "../support/browser.ts";
import { endOf } from "../support/cluster.ts";
import { startAiotest, type Started } from "../support/process.ts";
import { Target } from "../support/target.ts";

const HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">";
const SHOP = `
import { FastHttpUser, User } from "aiotest";

export class ShopTest extends FastHttpUser {
  static override waitTime = 0.05;
  async testSearch(): Promise<void> {
    await this.session.get("/search", { params: { q: "boots" }, name: "search" });
  }
  async testBroken(): Promise<void> {
    await this.session.get("/broken", { name: ${JSON.stringify(HOSTILE)} });
  }
}

export class ErringTest extends User {
  static override fixedCount = 1;
  static override waitTime = 0.2;
  testErr(): void {
    throw new Error('a"\\n{}' + ${JSON.stringify(HOSTILE)});
  }
}
`;

/** A web shop, and a run that tests it. */
class Scene implements AsyncDisposable {
  readonly target = new Target({
    "/search": () => new Response("boots"),
    "/broken": () => new Response("no", { status: 503 }),
  });
  readonly #folder = Deno.makeTempDirSync();
  #run: Started | null = null;

  /** Starts aiotest. Returns the URL of its dashboard. */
  async start(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    await Deno.writeTextFile(`${this.#folder}/aiotestfile.ts`, SHOP);
    this.#run = startAiotest(
      ["-H", this.target.url, "--web-port", "0", "--json", "summary.json", ...args],
      { cwd: this.#folder, env: { AIOTEST_NO_WEB: "false", ...env } },
    );
    return await this.#run.tells(/Dashboard: (http:\S+)/);
  }

  /** The summary of the run, after its end. */
  async end(): Promise<Summary> {
    const { code, stderr } = await endOf(this.#run!);
    const summary: Summary = JSON.parse(
      await Deno.readTextFile(`${this.#folder}/summary.json`),
    );
    assert.equal(code, summary.exitCode, stderr);
    return summary;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#run?.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
    await this.#run?.finished;
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** The rows of the page's table of requests, from a summary. */
function expectedRows(summary: Summary): string[][] {
  return summary.requests.map((row) => [row.name, row.method, ...expectedCells(row)]);
}

function expectedCells(row: Summary["totals"]): string[] {
  const { mean, min, p50, p90, p95, p99, p999, max } = row.latencyMs;
  const failed = row.failureLatencyMs;
  return [
    formatExact(row.requests),
    formatExact(row.failures),
    formatShare(row.errorRate),
    // In progress.
    "0",
    formatRate(row.rate),
    ...[mean, min, p50, p90, p95, p99, p999, max].map(formatLatency),
    formatBytes(row.bytesReceived),
    // Some requests of each run fail.
    ...[failed?.p50, failed?.p95, failed?.max].map((ms) => formatLatency(ms ?? null)),
  ];
}

async function totalCells(page: Page): Promise<string[]> {
  const cells = page.locator("section[aria-labelledby=requests-title] tfoot tr > :not([hidden])");
  return await cells.allTextContents();
}

browserTest(
  "a run can be started, changed and stopped from its page, which ends up equal to the summary",
  async (browser) => {
    await using scene = new Scene();
    const url = await scene.start([
      ...["--no-autostart", "-u", "3", "-r", "3", "--threshold", "error_rate<1%"],
      ...["--threshold", "p95<10s"],
    ]);
    const { page, complaints } = await openPage(browser);
    await page.goto(url);
    await waitForText(page, "#state", "Ready");
    assert.equal(scene.target.requests.length, 0);
    const form = page.locator("#control-form");
    await form.getByLabel("Users", { exact: true }).fill("5");
    await form.getByLabel("Started per second").fill("50");
    await page.getByRole("button", { name: "Start" }).click();
    await waitForText(page, "#tile-users .tile-value", /^5$/);
    await waitForText(page, "#state", "Running");
    await waitForText(page, "#verdict", "1 threshold crossed");

    await form.getByLabel("Users", { exact: true }).fill("9");
    await form.getByLabel("Started per second").fill("50");
    await page.getByRole("button", { name: "Change" }).click();
    await waitForText(page, "#tile-users .tile-value", /^9$/);
    await page.reload();
    await waitForText(page, "#tile-users .tile-value", /^9$/);
    await waitForText(page, "#failures-title", /1/);

    await page.getByRole("button", { name: "Stop" }).click();
    const summary = await scene.end();
    await waitForText(page, "#connection.over", "aiotest has exited; these are the final results");
    assert.equal(await textOf(page, "#state"), "Ended");
    assert.equal(await textOf(page, "#verdict"), "Failed: threshold crossed");
    assert.equal(summary.exitCode, 3);
    assert.equal(summary.users.peak, 9);
    assert.equal(summary.totals.requests, scene.target.requests.length);
    assert.deepEqual(await rowsOf(page, "requests-title"), expectedRows(summary));
    assert.deepEqual(await totalCells(page), [
      "All requests",
      "",
      ...expectedCells(summary.totals),
    ]);
    assert.deepEqual(
      await rowsOf(page, "failures-title"),
      summary.failures.map(({ method, name, error, count }) => [
        ...[error, method, name, formatExact(count)],
      ]),
    );
    assert.deepEqual(
      await rowsOf(page, "user-errors-title"),
      summary.userErrors.map((
        { user, error, place, count },
      ) => [error, user, place ?? "", formatExact(count)]),
    );
    assert.deepEqual(
      (await rowsOf(page, "thresholds-title")).map(([expression, result]) => [
        expression,
        result,
      ]),
      [["error_rate<1%", "✗ crossed"], ["p95<10s", "✓ passed"]],
    );
    for (const percentile of ["p50", "p95", "p99"] as const) {
      assert.equal(
        await textOf(page, `#tile-${percentile} .tile-value`),
        formatMilliseconds(summary.totals.latencyMs[percentile]),
      );
    }
    assert.equal(summary.failures[0]?.name, HOSTILE);
    assert.equal(await page.locator("main img").count(), 0);
    // The browser logs that the server has exited.
    assert.deepEqual(complaints.filter((text) => !/ERR_|net::/.test(text)), []);
  },
);

browserTest(
  "in a distributed run, the page asks for the token and lists the workers",
  async (browser) => {
    await using scene = new Scene();
    const url = await scene.start(["--processes", "2", "-u", "4", "-r", "10"], {
      AIOTEST_WEB_TOKEN: "open sesame",
    });
    const { page } = await openPage(browser, { width: 375, height: 812, theme: "dark" });
    await page.goto(url);
    const token = page.getByLabel("Token", { exact: true });
    await token.fill("open");
    await token.press("Enter");
    await page.locator("#login-message:not(:empty)").waitFor();
    await token.fill("open sesame");
    await token.press("Enter");
    await waitForText(page, "#tile-users .tile-value", /^4$/);
    await page.waitForFunction(() =>
      [...document.querySelectorAll("section[aria-labelledby=workers-title] tbody tr")]
        .map((row) => row.children[3]?.textContent).join() === "2,2"
    );
    await page.getByRole("button", { name: "Stop" }).click();
    const summary = await scene.end();
    await waitForText(page, "#connection.over", "aiotest has exited");
    assert.deepEqual(await rowsOf(page, "requests-title"), expectedRows(summary));
    const workers = (await rowsOf(page, "workers-title")).map((cells) => [cells[0], cells.at(-1)]);
    assert.deepEqual(
      workers,
      summary.workers.map(({ id, requests }) => [id, formatExact(requests)]),
    );
  },
);

browserTest("every report can be downloaded while the run is in progress", async (browser) => {
  await using scene = new Scene();
  const url = await scene.start(["-u", "2", "-r", "10"]);
  const { page } = await openPage(browser);
  await page.goto(url);
  await waitForText(page, "#requests-title", "2");
  const names: string[] = [];
  for (const link of await page.locator(".downloads a").all()) {
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    assert.equal(await download.failure(), null, await link.innerText());
    const text = await Deno.readTextFile(await download.path());
    assert.ok(text.length > 0, download.suggestedFilename());
    names.push(download.suggestedFilename().replace(/^.*\.(\w+)$/, "$1"));
  }
  assert.deepEqual(names, ["json", "html", "csv", "csv", "csv", "csv", "xml", "md"]);
  await page.getByRole("button", { name: "Stop" }).click();
  await scene.end();
});
