/**
 * Takes the screenshots in docs/images again, after the look of the dashboard or of reports has
 * changed: `deno run -A tests/support/docs_images.ts`. Needs chromium.
 *
 * @module
 */

/// <reference lib="dom" />
import type { Browser } from "playwright-core";
import type { History, Snapshot, TimelineSecond } from "../../src/stats/snapshot.ts";
import { htmlReport } from "../../src/web/html_report.ts";
import type { LiveView } from "../../src/web/live_view.ts";
import { openBrowser, openPage, type OpenPageOptions, waitForText } from "./browser.ts";
import { FakeDashboard } from "./fake_dashboard.ts";
import { heatMapOf, liveSecond, runForm, scriptedView, shopView } from "./live_views.ts";
import { projectPath } from "./paths.ts";
import { runMetadata } from "./run_metadata.ts";
import { history, shopSnapshot } from "./snapshots.ts";
import { joined } from "./texts.ts";

const IMAGES = projectPath("docs/images/");
const WIDE: OpenPageOptions = { width: 1600, height: 1100 };
const NARROW: OpenPageOptions = { width: 375, height: 812 };
/** A page of A4 at 96 dpi, with margins of 12 mm. */
const PAPER: OpenPageOptions = { width: 794, height: 1123 };
const MARGIN = 45;

async function takeDashboard(browser: Browser): Promise<void> {
  await using server = new FakeDashboard(measuredShop(154));
  for (const [size, window] of [["wide", WIDE], ["narrow", NARROW]] as const) {
    for (const theme of ["light", "dark"] as const) {
      const { page, context } = await openPage(browser, { ...window, theme });
      await page.goto(server.url);
      await waitForText(page, "#state", "Running");
      if (size === "wide") await page.locator("#figure-rates .u-over").hover();
      await page.screenshot({ path: `${IMAGES}dashboard-${size}-${theme}.png` });
      await context.close();
    }
  }
  // So high that nothing needs to be scrolled.
  const { page, context } = await openPage(browser, { width: 1600, height: 2600 });
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  await page.locator("section[aria-labelledby=requests-title] .opener").click();
  await page.getByLabel("Charts of").selectOption({ label: "AdminTest" });
  await page.mouse.move(0, 0);
  await page.locator("#charts").screenshot({ path: `${IMAGES}dashboard-class.png` });
  await page.getByLabel("Charts of").selectOption({ label: "All requests" });
  await page.locator("#charts").screenshot({ path: `${IMAGES}dashboard-charts.png` });
  const failures = page.locator("section[aria-labelledby=failures-title]");
  await failures.locator(".opener").click();
  await failures.screenshot({ path: `${IMAGES}dashboard-failures.png` });
  await failures.locator(".opener").click();
  const { x, y, width } = (await page.locator("#tables").boundingBox())!;
  const checks = (await page.locator("section[aria-labelledby=checks-title]").boundingBox())!;
  const height = checks.y + checks.height - y;
  await page.screenshot({
    path: `${IMAGES}dashboard-measured.png`,
    clip: { x, y, width, height },
  });
  await context.close();
}

/** The form of a new run, between two runs. */
async function takeNewRun(browser: Browser): Promise<void> {
  const shop = shopView(154);
  const series = { canStart: true, reason: "", workers: 2, problem: "" };
  const verdict = { text: "Passed", tone: "good" } as const;
  const live = { ...shop.live, state: "stopped", series, verdict } as const;
  await using server = new FakeDashboard({ ...shop, exitCode: 0, thresholds: [], live });
  server.form = runForm();
  const { page, context } = await openPage(browser, { width: 1200, height: 1060 });
  await page.goto(server.url);
  await page.getByRole("button", { name: "New run" }).click();
  await page.locator("#new-run[open]").waitFor();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.screenshot({ path: `${IMAGES}dashboard-new-run.png` });
  await context.close();
}

/** The web shop with everything that a test file can say and measure. */
function measuredShop(seconds: number): LiveView {
  const shop = shopView(seconds);
  const { classes, groups, metrics, checks, name, labels, requests } = scriptedView(seconds);
  const tags = requests.flatMap(({ tags }) => tags);
  return {
    ...shop,
    ...{ classes, groups, metrics, checks, name, labels },
    annotations: [
      { kind: "note", atSeconds: 31.4, text: "deployed 1.4.2", node: "attic-k3x9-2" },
      { kind: "worker", atSeconds: 97, text: "Worker attic-k3x9-3 lost", node: null },
    ],
    requests: shop.requests.map((row) => row.name.includes("search") ? { ...row, tags } : row),
    histories: [
      courseOf({ name: "/api/v2/catalogue/search?category=…" }, seconds, 0.8),
      courseOf({ kind: "class", method: "", name: "BuyerTest", users: [] }, seconds, 0.9),
      courseOf({ kind: "class", method: "", name: "AdminTest", users: [] }, seconds, 0.1, 30),
      courseOf({ kind: "group", method: "", name: "checkout" }, seconds, 0.05),
    ],
  };
}

/** A part of the load of {@link liveSecond}, from a second on. */
function courseOf(
  about: Partial<History>,
  seconds: number,
  part: number,
  from = 0,
): History {
  const rows = Array.from({ length: seconds - from }, (_, index) => liveSecond(from + index));
  const column = (value: (row: TimelineSecond) => number): number[] => rows.map(value);
  return history({
    ...about,
    seconds: column(({ second }) => second),
    requests: column(({ requests }) => Math.round(requests * part)),
    failures: column(({ failures }) => Math.round(failures * part)),
    p50: column(({ p50 }) => p50! * (1 + part)),
    p95: column(({ p95 }) => p95! * (1 + part)),
    p99: column(({ p99 }) => p99! * (1 + part)),
    users: about.users === undefined ? null : column(({ users }) => Math.ceil(users * part / 5)),
  });
}

async function takeReport(browser: Browser): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/report.html`;
  await Deno.writeTextFile(path, joined(await htmlReport(endedRun(), 3, metadata())));
  const windows: [name: string, OpenPageOptions][] = [
    ["report-wide-light", { width: 1280, height: 1560 }],
    ["report-narrow", { width: 375, height: 1400, theme: "dark" }],
    ["report-print", PAPER],
  ];
  for (const [name, window] of windows) {
    const { page, context } = await openPage(browser, window);
    await page.goto(`file://${path}`);
    await waitForText(page, "#verdict-word", "FAILED");
    if (window === PAPER) {
      await page.emulateMedia({ media: "print" });
      await page.evaluate((margin) => {
        document.documentElement.style.padding = `${margin}px`;
        dispatchEvent(new Event("beforeprint"));
      }, MARGIN);
    }
    await page.screenshot({ path: `${IMAGES}${name}.png` });
    await context.close();
  }
  await Deno.remove(folder, { recursive: true });
}

/** A run of 90 seconds that has crossed a threshold. */
function endedRun(): Snapshot {
  const run = shopSnapshot(90, {
    state: "stopped",
    endedAt: Date.UTC(2026, 2, 5, 10, 31, 29, 900),
    thresholds: [
      { expression: "p95<150ms", observed: 57.04, passed: true },
      { expression: "error_rate<2%", observed: 0.0006, passed: true },
      { expression: "p99[POST /api/v2/orders]<1s", observed: 1128, passed: false },
    ],
  });
  const timeline = Array.from({ length: 90 }, (_, second) => liveSecond(second));
  return { ...run, statistics: { ...run.statistics, timeline, heatMap: heatMapOf(timeline) } };
}

function metadata(): ReturnType<typeof runMetadata> {
  return runMetadata({ options: [{ flag: "--users", value: "100" }] });
}

const browser = await openBrowser();
try {
  await takeDashboard(browser);
  await takeNewRun(browser);
  await takeReport(browser);
} finally {
  await browser.close();
}
Deno.exit(0);
