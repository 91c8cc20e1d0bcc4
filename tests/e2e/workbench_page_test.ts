/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { ListedRun } from "../../src/report/history_table.ts";
import type { Summary } from "../../src/report/summary.ts";
import { browserTest, openPage, resize, rowsOf, textOf, waitForText } from "../support/browser.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { FakeDashboard } from "../support/fake_dashboard.ts";
import { FULL_CONTROL, liveState, liveView, runForm } from "../support/live_views.ts";
import { lowContrastTexts } from "../support/low_contrast_texts.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest, startAiotest, type Started } from "../support/process.ts";

const WORKBENCH = projectPath("tests/e2e/fixtures/workbench.ts");

/** A process that stays after its runs, with two workers. */
class Workbench implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly env = { AIOTEST_NO_WEB: "false", AIOTEST_NO_HISTORY: "false", CI: "" };
  readonly started: Started;

  constructor(args: readonly string[]) {
    this.started = startAiotest(
      ["-f", WORKBENCH, "--processes", "2", "--keep", "--web-port", "0", ...args],
      { cwd: this.folder, env: this.env },
    );
  }

  async url(): Promise<string> {
    return await this.started.tells(/Dashboard: (http:\/\/[^/\s]+)\//);
  }

  async aiotest(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runAiotest(args, { cwd: this.folder, env: this.env });
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.started.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
    await this.started.finished;
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Opens the form of a new run. */
async function openForm(page: Page): Promise<void> {
  await page.getByRole("button", { name: "New run" }).click();
  await page.locator("#new-run[open]").waitFor();
}

/** What the page says that it has counted of each name, and of all. */
async function shownCounts(page: Page): Promise<Record<string, number>> {
  const number = (text: string | undefined): number => Number(text?.replaceAll(",", ""));
  const rows = await rowsOf(page, "requests-title");
  return Object.fromEntries(rows.map(([name, , requests]) => [name, number(requests)]));
}

function seenBy(target: CountingTarget, prefix: string): Record<string, number> {
  return Object.fromEntries(
    [...target.seen].filter(([name]) => name.startsWith(`GET ${prefix}`))
      .map(([name, { requests }]) => [name.slice("GET ".length), requests]),
  );
}

const BETWEEN = "The run has ended. Workers: 2 connected.";

browserTest(
  "one session: a run from the form, paused, resumed and stopped; another one; both compared",
  async (browser) => {
    await using before = new CountingTarget();
    await using target = new CountingTarget(2);
    await using bench = new Workbench(
      ["-H", before.url, "-u", "2", "-r", "100", "--iterations", "20"],
    );
    const url = await bench.url();
    const { page, complaints } = await openPage(browser);
    await page.goto(url);
    await waitForText(page, "#between-text", BETWEEN);
    assert.equal(before.total, 20);
    assert.equal(await page.locator("#control").isVisible(), false);

    // Another host, other users, one class, and a flag of the test file.
    await openForm(page);
    const form = page.locator("#new-run");
    const field = (label: string) => form.getByLabel(label, { exact: true });
    assert.equal(await field("Host").inputValue(), before.url);
    assert.equal(await field("Iterations").inputValue(), "20");
    assert.deepEqual(await form.locator(".choice-name").allTextContents(), [
      ...["BuyerTest", "VisitorTest", "orders", "orders"],
    ]);
    await field("Host").fill(target.url);
    await field("Users").fill("0");
    await field("Iterations").fill("");
    await form.getByText("VisitorTest").click();
    await field("--tenant").fill("acme");
    await field("Name of the run").fill("closed");
    await field("Labels").fill("env=test, part=1");
    // The server refuses a value, and nothing starts.
    const start = form.getByRole("button", { name: "Start" });
    await start.click();
    await waitForText(page, ".field-error", "--users 0: expected a whole number from 1");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "users");
    assert.equal(await field("Users").getAttribute("aria-invalid"), "true");
    await field("Users").fill("6");
    await field("Users").press("Enter");
    await form.waitFor({ state: "hidden" });
    await waitForText(page, "#run-name", "closed");
    await waitForText(page, "#state", "Running");
    // The button that had the focus is gone.
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
    assert.equal(await textOf(page, "#tile-users .tile-value"), "6");
    assert.deepEqual(await page.locator("#labels li").allTextContents(), ["env=test", "part=1"]);
    await target.reached(100);

    await page.getByRole("button", { name: "Pause" }).click();
    await waitForText(page, "#state", "Paused for 1 s");
    const inPause = target.total;
    await waitForText(page, "#state", "Paused for 3 s");
    assert.equal(target.total, inPause);
    await page.getByRole("button", { name: "Resume" }).click();
    await waitForText(page, "#state", "Running");
    await target.reached(inPause + 100);
    await page.getByRole("button", { name: "Stop" }).click();
    await waitForText(page, "#between-text", BETWEEN);
    assert.equal(await textOf(page, "#verdict"), "Passed");
    const first = seenBy(target, "/acme");
    assert.deepEqual(await shownCounts(page), first);
    assert.deepEqual(Object.keys(first), ["/acme/buy"]);

    // At another rate, of the open model.
    await openForm(page);
    await field("An arrival rate").check();
    assert.equal(await field("Users").isVisible(), false);
    await field("Iterations per second").fill("60");
    await field("--tenant").fill("other");
    await field("Name of the run").fill("open");
    await start.click();
    await waitForText(page, "#run-name", "open");
    await target.until(() => (target.seen.get("GET /other/buy")?.requests ?? 0) >= 150, 60_000);
    await page.getByRole("button", { name: "Stop" }).click();
    await waitForText(page, "#between-text", BETWEEN);
    assert.deepEqual(await shownCounts(page), seenBy(target, "/other"));
    assert.deepEqual([before.total, await waitForLinks(page)], [20, [
      "Report of this run",
      "Compare with the run before",
      "All runs",
    ]]);

    // Both compared, with the numbers of the terminal.
    await page.getByRole("link", { name: "Compare with the run before" }).click();
    await waitForText(page, "#comparison-title", "Comparison of two runs");
    const words = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
    const printed = (await bench.aiotest("compare", "last~1", "last")).split("\n").map(words);
    const cells = await page.locator(".compared-table").first().locator("tbody tr")
      .evaluateAll((lines) =>
        lines.map(({ children }) => [...children].map((one) => one.textContent))
      );
    assert.ok(cells.length > 5);
    for (const row of cells) {
      const line = words(row.join(" "));
      assert.ok(printed.includes(line), `${line} is not in:\n${printed.join("\n")}`);
    }

    // The same workers have run all three, and are still there.
    const runs: ListedRun[] = JSON.parse(await bench.aiotest("history", "--json")).runs;
    assert.deepEqual(runs.map(({ name, requests }) => [name, requests]), [
      [null, 20],
      ["closed", first["/acme/buy"]],
      ["open", target.seen.get("GET /other/buy")!.requests],
    ]);
    const workers = await Promise.all(runs.map(async ({ id }) => {
      const summary: Summary = await (await fetch(`${url}/api/runs/${id}`)).json();
      return summary.workers.map((worker) => worker.id).sort();
    }));
    assert.equal(workers[0]!.length, 2);
    assert.deepEqual(workers, [workers[0], workers[0], workers[0]]);

    await page.getByRole("link", { name: "This run" }).click();
    await waitForText(page, "#between-text", BETWEEN);
    await page.getByRole("button", { name: "End aiotest …" }).click();
    const quit = page.locator("#quit");
    await quit.getByRole("button", { name: "Cancel" }).click();
    await waitForText(page, "#between-text", BETWEEN);
    await page.getByRole("button", { name: "End aiotest …" }).click();
    await quit.getByRole("button", { name: "End aiotest" }).click();
    const { code, stderr } = await bench.started.finished;
    assert.equal(code, 0, stderr);
    await waitForText(page, "#connection", "aiotest has exited; these are the final results");
    // The browser logs the refused value, and the end of the server.
    assert.deepEqual(
      complaints.filter((text) => !/status of 400|ERR_(INCOMPLETE|CONNECTION)/.test(text)),
      [],
    );
  },
);

browserTest("the form sends what was changed, and is legible in both themes", async (browser) => {
  const series = { canStart: true, reason: "", workers: 2, problem: HOSTILE };
  const control = { ...FULL_CONTROL, canStart: true };
  const view = liveView({ exitCode: 0, live: liveState({ state: "stopped", series, control }) });
  await using server = new FakeDashboard(view);
  const form = runForm();
  server.form = {
    ...form,
    classes: [...form.classes, { ...form.classes[0]!, name: `${HOSTILE} ${"x".repeat(200)}` }],
  };
  for (const theme of ["light", "dark"] as const) {
    const { page, complaints } = await openPage(browser, { width: 375, height: 900, theme });
    await page.goto(server.url);
    assert.equal(await textOf(page, "#between-problem"), `The last run failed: ${HOSTILE}`);
    await openForm(page);
    for (const width of [375, 768, 1600]) {
      await resize(page, width);
      const wide = await page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll("#new-run, #new-run-fields")]
          .filter((box) => box.scrollWidth > box.clientWidth).map(({ id }) => id)
      );
      assert.deepEqual(wide, [], `${theme}, ${width}`);
      assert.deepEqual(await lowContrastTexts(page), [], `${theme}, ${width}`);
    }
    assert.deepEqual(complaints, []);
    await page.keyboard.press("Escape");
    await page.locator("#new-run").waitFor({ state: "hidden" });
    // The focus returns to where it was.
    assert.equal(await page.evaluate(() => document.activeElement?.id), "new-run-open");
  }

  const { page } = await openPage(browser);
  await page.goto(server.url);
  await openForm(page);
  const dialog = page.locator("#new-run");
  const field = (label: string) => dialog.getByLabel(label, { exact: true });
  assert.equal(await field("--api-token").getAttribute("type"), "password");
  assert.equal(await field("--no-cache").isChecked(), false);
  await dialog.getByRole("button", { name: "Start" }).click();
  await dialog.waitFor({ state: "hidden" });

  await openForm(page);
  // What was typed for the other load does not count.
  await field("Users").fill("7");
  await field("An arrival rate").check();
  await dialog.getByRole("button", { name: "Start" }).click();
  await waitForText(page, ".field-error", "Enter a number.");
  await field("Iterations per second").fill("2.5");
  await field("Run time").fill("");
  for (const name of ["BuyerTest", "VisitorTest", "SupplierTest", "onerror"]) {
    await dialog.locator(".choice", { hasText: name }).click();
  }
  await field("--api-token").fill("new");
  await field("--parts").fill("menu, , top ");
  await field("--size").selectOption("large");
  await field("--no-cache").check();
  await field("Labels").fill("staging");
  await field("Labels").press("Enter");
  await waitForText(page, ".field-error", "staging: enter labels as env=staging, build=12.");
  await field("Labels").fill("env=test");
  await dialog.locator(".choice", { hasText: "slow" }).last().click();
  server.commandError = { status: 409, error: "A run is in progress: stop it first." };
  await dialog.getByRole("button", { name: "Start" }).click();
  await waitForText(page, "#new-run-message", "A run is in progress: stop it first.");
  const sent = {
    ...{ arrivalRate: 2.5, maxUsers: 1000, runTime: null, userClasses: ["AdminTest"] },
    ...{ excludeTags: [], labels: { env: "test" } },
    options: { apiToken: "new", parts: ["menu", "top"], size: "large", cache: false },
  };
  assert.deepEqual(server.commands, [
    { path: "/api/start", body: {} },
    { path: "/api/start", body: sent },
  ]);
});

/** A text that must not become a part of the page. */
const HOSTILE = "<img src=x onerror=\"document.title='taken'\">";

/** The links to results, which the page asks the server for. */
async function waitForLinks(page: Page): Promise<string[]> {
  await page.getByRole("link", { name: "Compare with the run before" }).waitFor();
  return await page.locator("#between-links a").allTextContents();
}
