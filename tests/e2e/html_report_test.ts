/// <reference lib="dom" />
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { Summary } from "../../src/report/summary.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { htmlReport } from "../../src/web/html_report.ts";
import {
  formatBytes,
  formatExact,
  formatLatency,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../../src/web/page/format.js";
import type { RunMetadata } from "../../src/report/summary.ts";
import {
  browserTest,
  drawnCharts,
  type OpenedPage,
  openPage,
  type OpenPageOptions,
  resize,
  rowsOf,
  textOf,
} from "../support/browser.ts";
import { lowContrastTexts } from "../support/low_contrast_texts.ts";
import { runAiotest, startAiotest } from "../support/process.ts";
import { runMetadata } from "../support/run_metadata.ts";
import {
  checkRow,
  classRow,
  clusterSnapshot,
  groupRow,
  histogramOf,
  history,
  latencies,
  requestRow,
  scriptedSnapshot,
  shopSnapshot,
  snapshot,
  statistics,
  tagRow,
  timelineSecond,
  trendRow,
  workerRow,
} from "../support/snapshots.ts";
import { Target } from "../support/target.ts";
import { joined } from "../support/texts.ts";

const HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">";

/** Opens a file without a network, and records all other requests. */
async function openOffline(
  browser: Browser,
  path: string,
  options: OpenPageOptions = {},
): Promise<OpenedPage & { readonly asked: string[] }> {
  const it = await openPage(browser, { width: 1280, ...options });
  const url = pathToFileURL(path).href;
  const asked: string[] = [];
  it.page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) asked.push(request.url());
  });
  await it.context.setOffline(true);
  await it.page.goto(url);
  await it.page.locator("#verdict-word").filter({ hasText: /./ }).waitFor();
  return { ...it, asked };
}

/** The report of a run, in a temporary file. */
class ReportFile implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/report.html`;
  }

  static async of(
    run: Snapshot,
    exitCode: number,
    facts: Partial<RunMetadata> = {},
  ): Promise<ReportFile> {
    const file = new ReportFile(await Deno.makeTempDir());
    const parts = await htmlReport(run, exitCode, runMetadata(facts));
    await Deno.writeTextFile(file.path, joined(parts));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function cellsOf(row: Summary["totals"]): string[] {
  const { mean, min, p50, p90, p95, p99, p999, max } = row.latencyMs;
  const failed = row.failureLatencyMs;
  return [
    formatExact(row.requests),
    formatExact(row.failures),
    formatShare(row.errorRate),
    formatRate(row.rate),
    ...[mean, min, p50, p90, p95, p99, p999, max].map(formatLatency),
    formatBytes(row.bytesReceived),
    ...[failed?.p50, failed?.p95, failed?.max].map((ms) => formatLatency(ms ?? null)),
  ];
}

async function factsOf(page: Page, list: string): Promise<Record<string, string>> {
  const pairs = await page.locator(`${list} > div`).evaluateAll((boxes) =>
    boxes.map((box) => [...box.children].map(({ textContent }) => textContent ?? ""))
  );
  return Object.fromEntries(pairs);
}

async function totalCells(page: Page): Promise<string[]> {
  return await page.locator("section[aria-labelledby=requests-title] tfoot tr > :not([hidden])")
    .allTextContents();
}

const SHOP = `
import { events, FastHttpUser, User } from "aiotest";

events.on("initCommandLineParser", ({ parser }) => {
  parser.option("--shop-password <text>", "of the shop").option("--tenant <name>", "whose shop");
});

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

const TARGET = {
  "/search": (): Response => new Response("boots"),
  "/broken": (): Response => new Response("no", { status: 503 }),
};

browserTest(
  "the report of a run opens offline and agrees with the summary",
  async (browser) => {
    await using target = new Target(TARGET);
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/shop.ts`, SHOP);
    const { code, stderr } = await runAiotest(
      [
        ...["-f", "shop.ts", "-H", target.url.replace("//", "//me:s3cret@"), "-u", "4", "-r", "20"],
        ...["-t", "3s", "--threshold", "p95<10s", "--threshold", "error_rate<1%"],
        ...["--shop-password", "s3cret", "--tenant", "blue"],
        ...["--html", "report.html", "--json", "summary.json"],
      ],
      { cwd: folder, env: { AIOTEST_WEB_TOKEN: "s3cret" } },
    );
    assert.equal(code, 3, stderr);
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`));
    assert.doesNotMatch(await Deno.readTextFile(`${folder}/report.html`), /s3cret/);
    const { page, complaints, asked } = await openOffline(browser, `${folder}/report.html`);
    assert.equal(await textOf(page, "#verdict-word"), "FAILED");
    assert.match(
      await textOf(page, "#verdict-facts"),
      /threshold crossed: error_rate<1%.*code 3\)/,
    );
    assert.match(
      await page.title(),
      /^FAILED: shop\.ts, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC · aiotest$/,
    );

    const { totals, requests, failures, userErrors, thresholds, workers } = summary;
    assert.deepEqual(
      await rowsOf(page, "requests-title"),
      requests.map((row) => [row.name, row.method, ...cellsOf(row)]),
    );
    assert.ok(requests.some(({ name }) => name === HOSTILE));
    assert.deepEqual(await totalCells(page), ["All requests", "", ...cellsOf(totals)]);
    assert.deepEqual(
      await rowsOf(page, "failures-title"),
      failures.map(({ method, name, error, count }) => [error, method, name, formatExact(count)]),
    );
    assert.deepEqual(
      await rowsOf(page, "user-errors-title"),
      userErrors.map((
        { user, error, place, count },
      ) => [error, user, place ?? "", formatExact(count)]),
    );
    assert.deepEqual(
      (await rowsOf(page, "thresholds-title")).map(([expression, result]) => [expression, result]),
      thresholds.map(({ expression, passed }) => [expression, passed ? "✓ passed" : "✗ crossed"]),
    );
    assert.deepEqual(
      (await rowsOf(page, "workers-title")).map((cells) => [cells[0], cells.at(-1)]),
      workers.map(({ id, requests }) => [id, formatExact(requests)]),
    );
    assert.equal(
      await textOf(page, "#tile-p95 .tile-value"),
      formatMilliseconds(totals.latencyMs.p95),
    );
    const bars = await page.locator(".latency-chart tbody tr td:nth-child(3)").allTextContents();
    assert.equal(
      bars.reduce((sum, text) => sum + Number(text.replaceAll(",", "")), 0),
      totals.requests - totals.failures,
    );

    const options = await factsOf(page, "#option-facts");
    assert.equal(options["--users"], "4");
    assert.equal(options["--run-time"], "3 s");
    assert.equal(options["--threshold"], "p95<10s, error_rate<1%");
    assert.equal(options["--host"], target.url.replace("//", "//…@"));
    assert.equal(options["--tenant"], "blue");
    assert.equal(options["--shop-password"], "(not shown)");
    assert.equal(options["--web-token"], "(not shown)");
    const machine = await factsOf(page, "#machine-facts");
    assert.equal(machine.Host, Deno.hostname());
    assert.match(
      machine.Version!,
      new RegExp(`^aiotest ${summary.aiotest.replaceAll(".", "\\.")} `),
    );
    assert.equal((await factsOf(page, "#run-facts"))["Run ID"], summary.runId);
    assert.equal(await page.locator("main img, main b").count(), 0);
    assert.deepEqual(complaints, []);
    assert.deepEqual(asked, []);
    await Deno.remove(folder, { recursive: true });
  },
);

browserTest("the dashboard offers a report of a run in progress", async (browser) => {
  await using target = new Target(TARGET);
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/aiotestfile.ts`, SHOP);
  const run = startAiotest(
    ["-H", target.url, "-u", "3", "-r", "9", "--web-port", "0", "-t", "5m"],
    { cwd: folder, env: { AIOTEST_NO_WEB: "" } },
  );
  const path = `${folder}/now.html`;
  try {
    const { page } = await openPage(browser);
    await page.goto(await run.tells(/Dashboard: (http:\S+)/));
    await page.locator("#requests-title").filter({ hasText: "2" }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator(".downloads a[href$=html]").click(),
    ]);
    assert.equal(download.suggestedFilename(), "aiotest.html");
    await download.saveAs(path);
  } finally {
    run.kill("SIGTERM");
    await run.finished;
  }
  const { page, complaints, asked } = await openOffline(browser, path);
  assert.equal(await textOf(page, "#verdict-word"), "RUNNING");
  assert.match(await textOf(page, "#verdict-facts"), /^After 0:\d\d: \d+ of \d+ requests failed/);
  assert.equal((await rowsOf(page, "requests-title")).length, 2);
  assert.deepEqual([...complaints, ...asked], []);
  await Deno.remove(folder, { recursive: true });
});

const ENDED = { state: "stopped", endedAt: Date.UTC(2026, 2, 5, 10, 32) } as const;

browserTest("names and errors are shown as text only", async (browser) => {
  const hostile = [
    HOSTILE,
    "<b onmouseover=alert(1)>bold</b>",
    "<!--",
    'a"\n{}',
    "&lt;i&gt; %s ${name} \u202e \u2028",
  ];
  await using report = await ReportFile.of(
    snapshot({
      ...ENDED,
      runId: HOSTILE,
      name: HOSTILE,
      labels: Object.fromEntries(hostile.map((text) => [text, text])),
      thresholds: hostile.map((expression) => ({ expression, observed: 1, passed: false })),
      breakingPoint: {
        className: null,
        passed: null,
        broke: { users: 1, arrivalRate: null },
        threshold: HOSTILE,
      },
      workers: hostile.map((text) => workerRow({ id: text, host: text })),
      warnings: hostile,
      runEnd: { kind: "fail", reason: HOSTILE, node: HOSTILE },
      statistics: statistics({
        requests: hostile.map((name) =>
          requestRow({ method: name, name, tags: [tagRow({ tags: name })] })
        ),
        classes: hostile.map((name) => classRow({ name })),
        groups: hostile.map((name) => groupRow({ name })),
        metrics: hostile.map((name) => trendRow({ name, unit: name })),
        checks: hostile.map((name) => checkRow({ name })),
        histories: hostile.map((name) => history({ name })),
        failures: hostile.map((text) => ({ method: text, name: text, error: text, count: 1 })),
        userErrors: hostile.map((text) => ({ user: text, error: text, place: text, count: 1 })),
      }),
    }),
    3,
    {
      test: HOSTILE,
      options: hostile.map((text) => ({ flag: text, value: text })),
      machine: { hostname: HOSTILE, cores: 1, system: HOSTILE },
    },
  );
  const { page, complaints } = await openOffline(browser, report.path);
  const sections = [
    ...["requests", "classes", "groups", "metrics", "checks", "failures", "user-errors", "workers"],
    "thresholds",
  ];
  for (const section of sections) {
    const names = (await rowsOf(page, `${section}-title`)).map(([name]) => name);
    assert.deepEqual(names.toSorted(), hostile.toSorted(), section);
  }
  await page.locator(".opener").first().click();
  assert.equal((await rowsOf(page, "requests-title"))[1]?.[0], hostile[0]);
  assert.deepEqual(
    (await page.locator(".chart-choice option").allTextContents()).slice(1),
    hostile.map((name) => `GET ${name}`),
  );
  assert.equal(await page.locator("#run-name").textContent(), `: ${HOSTILE}`);
  assert.equal(
    (await factsOf(page, "#run-facts")).Labels,
    hostile.map((text) => `${text}=${text}`).join(", "),
  );
  assert.deepEqual(await page.locator("#warning-list li").allTextContents(), hostile);
  assert.deepEqual(Object.keys(await factsOf(page, "#option-facts")), hostile);
  assert.equal((await factsOf(page, "#run-facts")).Test, HOSTILE);
  assert.equal(await page.locator("main img, main b, main i, main script").count(), 0);
  assert.match(await page.title(), /^FAILED: <\/script><img /);
  assert.deepEqual(complaints, []);
});

function openModel(): Snapshot {
  const run = shopSnapshot(120, ENDED);
  return {
    ...run,
    arrivalRate: 200,
    thresholds: [{ expression: "p95<50ms", observed: 30.9, passed: true }],
    breakingPoint: {
      className: null,
      passed: { users: 50, arrivalRate: 200 },
      broke: { users: 50, arrivalRate: 250 },
      threshold: "p95<50ms",
    },
    warnings: ["More than 1% of all iterations were dropped: all users were busy."],
    statistics: {
      ...run.statistics,
      iterations: {
        ...{ scheduled: 24_000, started: 23_700, completed: 23_690, interrupted: 0, dropped: 300 },
        serviceTimeMs: latencies(15),
        startDelayMs: latencies(0.4),
      },
    },
  };
}

browserTest(
  "a report shows the open model, a breaking point, and what tests measure",
  async (browser) => {
    const { classes, groups, metrics, checks, histories, requests } =
      scriptedSnapshot(120).statistics;
    const run = openModel();
    const measured = { classes, groups, metrics, checks, histories, requests };
    await using report = await ReportFile.of({
      ...run,
      name: "nightly",
      labels: { env: "staging" },
      runEnd: { kind: "stop", reason: "sold out", node: "local" },
      statistics: { ...run.statistics, ...measured },
    }, 0);
    const { page, complaints } = await openOffline(browser, report.path);
    assert.match(await page.title(), /^PASSED: nightly \(shop\.ts\), 2026-/);
    assert.equal(await textOf(page, "h1"), "aiotest report: nightly");
    assert.match(await textOf(page, "#verdict-facts"), /, ended by run\.stop: sold out\.$/);
    assert.equal((await factsOf(page, "#run-facts")).Labels, "env=staging");
    assert.deepEqual((await rowsOf(page, "classes-title")).map((cells) => cells.slice(0, 4)), [
      ["BuyerTest", "by weight", "98", "4,800"],
      ["AdminTest", "2 users", "2", "120"],
    ]);
    assert.deepEqual((await rowsOf(page, "groups-title")).map(([name]) => name), [
      "checkout",
      "checkout / pay",
    ]);
    assert.equal((await rowsOf(page, "metrics-title")).length, 4);
    assert.deepEqual((await rowsOf(page, "checks-title"))[0], ["has a token", "997", "3", "99.7%"]);
    await page.locator("section[aria-labelledby=requests-title] .opener").click();
    assert.equal((await rowsOf(page, "requests-title"))[2]![0], "cache=hit");
    assert.equal(await page.locator("#figure-iterations").isVisible(), true);
    await page.getByLabel("Charts of").selectOption({ label: "checkout" });
    assert.equal(await textOf(page, "#chart-rates"), "Groups and failures per second");
    for (const figure of ["users", "iterations", "delay"]) {
      assert.equal(await page.locator(`#figure-${figure}`).isVisible(), false);
    }
    await page.getByLabel("Charts of").selectOption({ label: "All requests" });
    assert.equal(await page.locator("#figure-iterations").isVisible(), true);
    assert.deepEqual((await rowsOf(page, "iterations-title")).map((cells) => cells.slice(0, 4)), [
      ["Service time", "18.8", "1.88", "15.0"],
      ["Start delay", "0.500", "0.050", "0.400"],
    ]);
    const notes = await page.locator(".table-note").allTextContents();
    assert.equal(
      notes[0],
      "24,000 scheduled, 23,700 started, 23,690 completed, 300 dropped (1.25%).",
    );
    assert.match(notes[1]!, /counts from the moment at which the iteration was due/);
    assert.equal(
      await textOf(page, "#breaking-text"),
      "200 iterations/s passed, 250 iterations/s crossed p95<50ms.",
    );
    assert.deepEqual(complaints, []);
  },
);

browserTest("both themes are legible, on a phone and on a wide screen", async (browser) => {
  const { workers, warnings } = clusterSnapshot(120);
  const run = scriptedSnapshot(120, { ...ENDED, mode: "distributed", workers, warnings });
  const runEnd = { kind: "fail", reason: "sold out", node: "attic-k3x9-1" } as const;
  await using report = await ReportFile.of({ ...run, runEnd }, 4);
  const backgrounds = new Set<string>();
  for (const theme of ["light", "dark"] as const) {
    const { page, complaints } = await openOffline(browser, report.path, { width: 375, theme });
    await page.locator("section[aria-labelledby=requests-title] .opener").click();
    for (const width of [375, 768, 1600]) {
      await resize(page, width);
      const [full, part] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        [...document.querySelectorAll("main > *, .card, figure")]
          .filter((box) => box.getBoundingClientRect().right > innerWidth + 1)
          .map(({ className }) => className).join(),
      ]);
      assert.deepEqual([full, part], [width, ""], `${theme}, ${width}`);
      assert.deepEqual(await lowContrastTexts(page), [], `${theme}, ${width}`);
      assert.deepEqual(await drawnCharts(page), Array(6).fill(true));
    }
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    assert.deepEqual(complaints, []);
  }
  assert.equal(backgrounds.size, 2);
});

browserTest(
  "charts share a cursor, and everything can be used with the keyboard",
  async (browser) => {
    await using report = await ReportFile.of(clusterSnapshot(120, ENDED), 4);
    const { page, complaints } = await openOffline(browser, report.path);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
    await page.locator("#figure-users .plot").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("PageUp");
    await page.waitForFunction(() =>
      [...document.querySelectorAll("figure:not([hidden]) li:first-child .legend-value")]
        .every(({ textContent }) => textContent?.endsWith(" at 1:00"))
    );
    const seen = new Set<string>();
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press("Tab");
      seen.add(
        await page.evaluate(() => {
          const { activeElement } = document;
          return activeElement?.getAttribute("aria-labelledby") ??
            activeElement?.getAttribute("aria-label") ?? activeElement?.textContent ?? "";
        }),
      );
    }
    for (
      const part of ["requests-title", "Filter requests", "p95", "distribution-title", "Error"]
    ) {
      assert.ok(seen.has(part), `${part} is not among ${[...seen].join(", ")}`);
    }
    assert.equal(await page.locator("main h2:not(.unseen)").first().innerText(), "Warnings");
    assert.deepEqual(complaints, []);
  },
);

browserTest("times in which the load generator did not run are shaded", async (browser) => {
  const colors: string[][] = [];
  for (const maxLagMs of [2, 20_000]) {
    const run = clusterSnapshot(120, ENDED);
    const timeline = run.statistics.timeline.map((row) =>
      row.second === 60 ? { ...row, maxLagMs } : row
    );
    await using report = await ReportFile.of(
      { ...run, statistics: { ...run.statistics, timeline } },
      4,
    );
    const { page, complaints } = await openOffline(browser, report.path);
    await page.waitForFunction(() =>
      document.querySelectorAll("figure:not([hidden]) canvas").length === 3
    );
    assert.equal(
      await page.locator(".chart-note").innerText(),
      maxLagMs === 2 ? "" : "Shaded: a load generator did not run, for up to 20.0 s until 1:00. " +
        "Latencies measured then include this time.",
    );
    // Just below the upper edge, in the middle of that time and in the middle of the time before it.
    colors.push(
      ...await page.evaluate(() =>
        [...document.querySelectorAll("figure:not([hidden]) canvas")].map((part) => {
          const canvas = part as HTMLCanvasElement;
          const plot = canvas.parentElement!.querySelector<HTMLElement>(".u-over")!;
          const scale = canvas.width / canvas.clientWidth;
          const top = Math.round((plot.offsetTop + 2) * scale);
          const { data } = canvas.getContext("2d")!.getImageData(0, top, canvas.width, 1);
          const at = (share: number): string => {
            const left = Math.round((plot.offsetLeft + plot.clientWidth * share) * scale);
            return data.slice(4 * left, 4 * left + 4).join(" ");
          };
          return [at(50.5 / 120), at(20.5 / 120)];
        })
      ),
    );
    assert.deepEqual(complaints, []);
  }
  assert.deepEqual(
    colors.map(([marked, before]) => marked !== before),
    [...Array(3).fill(false), ...Array(3).fill(true)],
  );
});

/** The page sizes of a PDF, in points. */
function pagesOf(pdf: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(pdf);
  return [...text.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)]
    .map(([, width, height]) => `${Math.round(Number(width))} x ${Math.round(Number(height))}`);
}

browserTest(
  "a report prints on A4 in light colours, with all rows and charts that fit",
  async (browser) => {
    const rows = Array.from({ length: 250 }, (_, index) => requestRow({ name: `/item-${index}` }));
    const run = clusterSnapshot(120, ENDED);
    await using report = await ReportFile.of(
      { ...run, statistics: { ...run.statistics, requests: rows } },
      4,
    );
    const { page, complaints } = await openOffline(browser, report.path, { theme: "dark" });
    await page.evaluate(() => {
      addEventListener("beforeprint", () => {
        // The charts are drawn asynchronously.
        queueMicrotask(() => {
          const canvas = document.querySelector("canvas")!;
          const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
          // The axis labels are the darkest pixels; in light colours they are darker than grey.
          let darkest = 255;
          for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3]! > 250) darkest = Math.min(darkest, data[at + 1]!);
          }
          Object.assign(globalThis, {
            printed: {
              charts: [...document.querySelectorAll("figure:not([hidden]) .plot canvas")].map((
                one,
              ) => one.clientWidth),
              card: document.querySelector("#charts")!.clientWidth,
              rows: document.querySelectorAll("section[aria-labelledby=requests-title] tbody tr")
                .length,
              darkest,
            },
          });
        });
      });
    });
    const pages = pagesOf(await page.pdf({ preferCSSPageSize: true }));
    assert.ok(pages.length > 3, `${pages.length} pages`);
    assert.deepEqual([...new Set(pages)], ["595 x 842"]);
    const printed = await page.evaluate(() =>
      (globalThis as unknown as {
        printed: { charts: number[]; card: number; rows: number; darkest: number };
      }).printed
    );
    assert.equal(printed.rows, 250);
    assert.ok(printed.darkest < 120, `${printed.darkest}`);
    for (const width of printed.charts) {
      assert.ok(width > 640 && width < printed.card, `${width} of ${printed.card}`);
    }
    // After printing, the page is as before.
    const after = await page.evaluate(() => [
      document.documentElement.className,
      document.querySelector(".plot canvas")!.clientWidth > 1000,
    ]);
    assert.deepEqual(after, ["", true]);
    assert.deepEqual(complaints, []);
  },
);

browserTest("a report stays fast with an hour and 1,000 names", async (browser) => {
  const name = (index: number): string => `/catalogue/department-${index % 40}/item-${index}`;
  await using report = await ReportFile.of(
    snapshot({
      ...ENDED,
      elapsedSeconds: 3600,
      durationSeconds: 3600,
      statistics: statistics({
        requests: Array.from(
          { length: 1000 },
          (_, index) => requestRow({ name: name(index), histogram: histogramOf(1) }),
        ),
        timeline: Array.from({ length: 3600 }, (_, second) => timelineSecond({ second })),
      }),
    }),
    0,
  );
  const { size } = await Deno.stat(report.path);
  assert.ok(size < 1_200_000, `${size} bytes`);
  const { page, context, complaints } = await openOffline(browser, report.path);
  assert.equal((await rowsOf(page, "requests-title")).length, 100);
  assert.equal(
    await page.locator("#chart-users-summary").textContent(),
    "10 users at 1:00:00, peak 10 users.",
  );
  await page.getByLabel("Filter requests").fill("department-7/");
  assert.equal((await rowsOf(page, "requests-title")).length, 25);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  const busy = metrics.find((metric) => metric.name === "ThreadTime")!.value;
  // CPU time, which depends little on the load of the machine.
  assert.ok(busy < 3, `${busy.toFixed(1)} s`);
  assert.deepEqual(complaints, []);
});
