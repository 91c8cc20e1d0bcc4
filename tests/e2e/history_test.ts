/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { ListedRun } from "../../src/report/history_table.ts";
import {
  browserTest,
  drawnCharts,
  openPage,
  resize,
  rowsOf,
  textOf,
  waitForText,
} from "../support/browser.ts";
import { lowContrastTexts } from "../support/low_contrast_texts.ts";
import { type Finished, runAiotest, startAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";

const SHOP = `
import { FastHttpUser } from "aiotest";

export class ShopTest extends FastHttpUser {
  static override waitTime = 0.01;
  async testSearch(): Promise<void> {
    await this.session.get("/search");
  }
  async testCart(): Promise<void> {
    await this.session.get("/cart");
  }
}
`;

/** Checks colours and widths of what is shown, in both themes, on a phone and on a wide screen. */
async function isLegible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [375, 1600]) {
      await resize(page, width);
      const full = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(full, width, `${colorScheme}, ${width}`);
      assert.deepEqual(await lowContrastTexts(page), [], `${colorScheme}, ${width}`);
      assert.deepEqual(new Set(await drawnCharts(page)), new Set([true]));
    }
  }
}

/** A shop, and a directory in which its test is run. */
class Scene implements AsyncDisposable {
  readonly target = new Target({
    "/search": () => new Response("boots"),
    "/cart": () => new Response("empty"),
  });
  readonly folder = Deno.makeTempDirSync();
  readonly env = { AIOTEST_NO_HISTORY: "false", CI: "" };

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await Deno.writeTextFile(`${scene.folder}/aiotestfile.ts`, SHOP);
    return scene;
  }

  get test(): string[] {
    return ["-H", this.target.url, "-u", "3", "-r", "100"];
  }

  async run(...args: string[]): Promise<Finished> {
    return await runAiotest(args, { cwd: this.folder, env: this.env });
  }

  async list(): Promise<ListedRun[]> {
    const { stdout } = await this.run("history", "--json");
    return JSON.parse(stdout).runs;
  }

  async json(name: string): Promise<Record<string, unknown>> {
    return JSON.parse(await Deno.readTextFile(`${this.folder}/${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("runs are kept, listed, shown and removed; one that was killed is interrupted", async () => {
  await using scene = await Scene.open();
  const first = await scene.run(...scene.test, "-t", "1s", "--name", "before", "--json", "a.json");
  assert.equal(first.code, 0, first.stderr);
  // Two processes at the same time use one directory.
  const going = startAiotest([...scene.test, "--name", "killed"], {
    cwd: scene.folder,
    env: scene.env,
  });
  const directory = `${scene.folder}/.aiotest`;
  const isWritten = async (): Promise<boolean> => {
    const { length } = [...Deno.readDirSync(directory)]
      .filter(({ name }) => /^\d.*\.json$/.test(name));
    return length === 2 && (await scene.list()).at(-1)!.verdict === "running";
  };
  const watcher = Deno.watchFs(directory);
  for await (const _ of watcher) {
    if (await isWritten()) break;
  }
  const second = await scene.run(
    ...[...scene.test, "-t", "1s", "--name", "after", "--label", "env=ci"],
    ...["--threshold", "p95<1us"],
  );
  assert.equal(second.code, 3, second.stderr);
  going.kill("SIGKILL");
  await going.finished;

  const runs = await scene.list();
  assert.deepEqual(runs.map(({ name, verdict }) => [name, verdict]), [
    ["before", "passed"],
    ["killed", "interrupted"],
    ["after", "failed"],
  ]);
  const [before, killed, after] = runs as [ListedRun, ListedRun, ListedRun];
  const summary = await scene.json("a.json");
  assert.deepEqual(await scene.json(`.aiotest/${before.id}.json`), summary);
  assert.ok(killed.requests! > 0);

  const table = (await scene.run("history")).stdout.split("\n");
  assert.match(
    table[2]!,
    /^[0-9a-f]{8} +\d{4}-\d\d-\d\d \d\d:\d\d +before +passed +[\d.]+ +[\d.]+ +0%$/,
  );
  assert.match(table[4]!, /after env=ci +failed/);
  for (const line of table) assert.ok([...line].length <= 80, line);

  const shown = await scene.run("history", "show", "last~2");
  const reported = await scene.run("report", "a.json");
  assert.equal(shown.stdout, reported.stdout);
  assert.match(shown.stdout, /\nPASSED {2}/);

  await scene.run("compare", "a.json", "last", "--json", "files.json");
  await scene.run("compare", before.id.slice(-8), after.id.slice(-8), "--json", "ids.json");
  const [files, ids] = [await scene.json("files.json"), await scene.json("ids.json")];
  assert.deepEqual({ ...ids, a: null }, { ...files, a: null });

  const missing = await scene.run("compare", "zzz", "last");
  assert.equal(missing.code, 2);
  assert.match(
    missing.stderr,
    /^aiotest: zzz: no such run in \.aiotest\nThere are \w{8} \(after\), /,
  );

  assert.match(
    (await scene.run("history", "rm", "last~1")).stdout,
    /^Removed 1 run .*; 2 are left/,
  );
  assert.match((await scene.run("history", "rm", "--keep-last", "1")).stdout, /; 1 is left/);
  assert.deepEqual((await scene.list()).map(({ name }) => name), ["after"]);
  const left = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  assert.deepEqual(left, [".gitignore", `${after.id}.json`, "index.json"]);
});

Deno.test("a directory that cannot be written is a warning", async () => {
  await using scene = await Scene.open();
  await Deno.writeTextFile(`${scene.folder}/.aiotest`, "a file");
  const { code, stderr } = await scene.run(...scene.test, "-t", "1s");
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/This run is not kept in \.aiotest: /g)?.length, 1, stderr);
});

browserTest("the dashboard lists runs, opens their reports and compares two", async (browser) => {
  await using scene = await Scene.open();
  for (const name of ["nightly", "nightly"]) {
    const { code, stderr } = await scene.run(...scene.test, "-t", "5s", "--name", name);
    assert.equal(code, 0, stderr);
  }
  const [a, b] = await scene.list() as [ListedRun, ListedRun];
  await scene.run("compare", "last~1", "last", "--json", "diff.json");
  const printed = await scene.run("compare", "last~1", "last");
  const waiting = startAiotest([...scene.test, "--no-autostart", "--web-port", "0"], {
    cwd: scene.folder,
    env: { ...scene.env, AIOTEST_NO_WEB: "false" },
  });
  try {
    const url = await waiting.tells(/Dashboard: (http:\S+)\//);
    const { page, context, complaints } = await openPage(browser);
    await page.goto(`${url}/`);
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await waitForText(page, "#runs-title", "2");
    const rows = await rowsOf(page, "runs-title");
    assert.deepEqual(rows.map(([name, verdict]) => [name, verdict]), [
      ["nightly", "passed"],
      ["nightly", "passed"],
    ]);
    assert.equal(await textOf(page, "#trend-title"), "Trend");
    assert.match(
      (await page.locator("#chart-trend-p95-summary").textContent())!,
      /^2 runs of nightly: /,
    );

    const [report] = await Promise.all([
      context.waitForEvent("page"),
      page.locator(`#runs a[href*="${b.id}"]`).click(),
    ]);
    await waitForText(report, "#verdict-word", "PASSED");
    assert.deepEqual(new Set(await drawnCharts(report)), new Set([true]));
    // The report cannot reach the dashboard.
    assert.equal(await report.evaluate(() => globalThis.origin), "null");
    await report.close();

    // By keyboard, the older one last: it is the baseline all the same.
    for (const id of [b.id, a.id]) {
      await page.locator(`#runs tr:has(a[href*="${id}"]) input`).focus();
      await page.keyboard.press("Space");
    }
    await page.getByRole("button", { name: "Compare", exact: true }).press("Enter");
    await waitForText(page, "#comparison-title", "Comparison of two runs");
    assert.equal(page.url(), `${url}/runs#compare/${a.id}/${b.id}`);
    assert.equal(await page.evaluate(() => document.activeElement?.id), "comparison-title");
    assert.deepEqual(await drawnCharts(page).then((drawn) => new Set(drawn)), new Set([true]));

    // The same numbers as in the file and on the terminal.
    const response = await fetch(`${url}/api/runs/${a.id}/compare/${b.id}`);
    assert.deepEqual((await response.json()).comparison, await scene.json("diff.json"));
    const cells = await page.locator(".compared-table").first().locator("tbody tr")
      .evaluateAll((lines) =>
        lines.map(({ children }) => [...children].map((one) => one.textContent))
      );
    const words = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
    const lines = printed.stdout.split("\n").map(words);
    for (const row of cells) {
      const line = words(row.join(" "));
      assert.ok(lines.includes(line), `${line} is not in:\n${printed.stdout}`);
    }
    assert.ok(cells.length > 10);

    await isLegible(page);
    await page.getByRole("link", { name: "← All runs" }).click();
    await page.locator("#list").waitFor();
    await isLegible(page);
    await page.goBack();
    await page.locator(".comparison").waitFor();
    assert.deepEqual(complaints, []);
  } finally {
    waiting.kill("SIGINT");
    await waiting.finished;
  }
});
