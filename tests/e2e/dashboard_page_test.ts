/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { cellsOf, HeatMap } from "../../src/stats/heat_map.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { type LiveView, liveWorker } from "../../src/web/live_view.ts";
import { heatLevel, rowOf } from "../../src/web/page/heat_map.js";
import {
  browserTest,
  drawnCharts,
  openPage,
  resize,
  rowsOf,
  textOf,
  waitForText,
} from "../support/browser.ts";
import { FakeDashboard } from "../support/fake_dashboard.ts";
import {
  FULL_CONTROL,
  liveRequest,
  liveSecond,
  liveState,
  liveTotals,
  liveUpdate,
  liveView,
  scriptedView,
  shopView,
} from "../support/live_views.ts";
import { lowContrastTexts } from "../support/low_contrast_texts.ts";
import { checkRow, latencies, trendRow, workerRow } from "../support/snapshots.ts";

async function legends(page: Page): Promise<string[]> {
  return await page.locator("figure .legend-value").allInnerTexts();
}

browserTest("the page shows the run and its updates", async (browser) => {
  await using server = new FakeDashboard(shopView(60));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  assert.equal(await textOf(page, "#time"), "1:00 of 5:00");
  assert.equal(await textOf(page, "#verdict"), "1 threshold crossed");
  assert.equal(await textOf(page, "#tile-users .tile-value"), "100");
  assert.equal(await textOf(page, "#tile-rate .tile-note"), "24,720 total");
  assert.equal(await textOf(page, "#tile-p99 .tile-value"), "82.4 ms");
  assert.equal(await textOf(page, "#tile-in-progress .tile-note"), "oldest 412 ms");
  const requests = await rowsOf(page, "requests-title");
  assert.deepEqual(requests[3], [
    ...["/api/v2/orders", "POST", "480", "27", "5.63%", "2, 412 ms", "8.00"],
    ...["51.3", "5.13", "41.0", "82.0", "123", "328", "820", "1640", "592 KB"],
    ...["3.00", "9.00", "120"],
  ]);
  assert.match(await textOf(page, "#requests-title"), /^Requests\s+5$/);
  assert.deepEqual(await rowsOf(page, "failures-title"), [
    ["HTTP 503", "POST", "/api/v2/orders", "27"],
  ]);
  assert.deepEqual(await rowsOf(page, "user-errors-title"), [
    ["TypeError: basket is undefined", "Shopper", "shop.ts:12:7", "2"],
  ]);
  assert.equal((await rowsOf(page, "workers-title"))[0]?.[2], "running");
  assert.deepEqual((await rowsOf(page, "workers-title"))[2], [
    ...["attic-k3x9-3", "attic", "lost, counts incomplete", "0", "0", "23%", "33%"],
    ...["1.25 ms", "epoll", "840"],
  ]);
  assert.deepEqual((await rowsOf(page, "thresholds-title")).map(([, ...rest]) => rest), [
    ["✓ passed", "30.9 ms"],
    ["✗ crossed", "328 ms"],
    ["✓ passed", "0.11%"],
  ]);
  await waitForText(page, "#warnings", "Worker attic-k3x9-3 was lost");
  assert.equal(await page.locator("#log-lines li").count(), 4);

  const view = shopView(60);
  const { log: _, ...live } = shopView(61).live;
  server.update(liveUpdate(view, {
    live,
    durationSeconds: 61,
    totals: liveTotals({ requests: 25_132, rate: 412, latencyMs: latencies(10.3) }),
    requests: [liveRequest({ name: "/", requests: 2440, rate: 40 })],
    failures: [{ method: "GET", name: "/", error: "timeout", count: 30 }],
    timeline: [liveSecond(60, { users: 100, requests: 391, failures: 4 })],
    warnings: [],
  }));
  server.log({ lines: [{ at: "2026-03-05T10:31:00.000Z", level: "INFO", text: "one more" }] });
  await waitForText(page, "#log-lines li:last-child", "one more");
  assert.equal(await textOf(page, "#time"), "1:01 of 5:00");
  assert.equal((await rowsOf(page, "requests-title"))[0]?.[2], "2,440");
  assert.deepEqual(await rowsOf(page, "failures-title"), [["timeout", "GET", "/", "30"]]);
  assert.equal(
    await textOf(page, "section[aria-labelledby=requests-title] tfoot td >> nth=1"),
    "25,132",
  );
  assert.equal(await page.locator("#warnings").isVisible(), false);
  assert.deepEqual((await legends(page)).slice(0, 3), ["100 users", "391.0/s", "4.00/s"]);
  assert.equal(
    await page.locator("#chart-users-summary").textContent(),
    "100 users at 1:01, peak 100 users.",
  );
  assert.deepEqual(complaints, []);
});

browserTest("a failure opens its examples, which stay open", async (browser) => {
  const view = shopView(60);
  await using server = new FakeDashboard({
    ...view,
    failures: [...view.failures, { method: "GET", name: "/", error: "timed out", count: 1 }],
  });
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  const failures = page.locator("section[aria-labelledby=failures-title]");
  // One of two failures has examples.
  const opener = failures.getByRole("button", { name: "HTTP 503" });
  assert.equal(await failures.locator(".opener").count(), 1);
  await opener.focus();
  await page.keyboard.press("Enter");
  assert.equal(await opener.getAttribute("aria-expanded"), "true");
  const samples = failures.locator(".failure-sample");
  assert.equal(
    await samples.first().locator("summary").textContent(),
    "2026-03-05 10:30:16.120 UTC · attic-k3x9-1 · Shopper, user 41, iteration 7",
  );
  await waitForText(page, ".failure-sample[open]", "Trace 4bf92f3577b34da6a3ce929d0e0e4736");
  const texts = samples.first().locator("pre");
  assert.match((await texts.first().textContent())!, /^POST \/api\/v2\/orders HTTP\/1\.1\n/);
  assert.match((await texts.last().textContent())!, /no connection to the database/);
  await samples.last().locator("summary").click();
  await waitForText(page, ".failure-sample:last-child", "No response.");

  const again = { ...view.failureSamples[0]!, user: 99, sent: HOSTILE[0]! };
  const failed = view.failures.map((row) => ({ ...row, count: 100 }));
  server.update(liveUpdate(view, { failures: failed, failureSamples: [again] }));
  await samples.nth(2).waitFor();
  assert.deepEqual(
    await samples.evaluateAll((all) => all.map((one) => (one as HTMLDetailsElement).open)),
    [true, true, false],
  );
  await samples.nth(2).locator("summary").click();
  assert.equal(await samples.nth(2).locator("pre").first().textContent(), HOSTILE[0]);
  await opener.click();
  assert.equal(await samples.count(), 0);
  assert.deepEqual(complaints, []);
});

browserTest("a worker opens its log, and can be stopped", async (browser) => {
  const view = shopView(60);
  const [first, second] = view.live.workers;
  const line = (text: string) => ({ at: "2026-03-05T10:31:00.000Z", level: "INFO", text });
  const { log: _, ...live } = view.live;
  await using server = new FakeDashboard({
    ...view,
    workerLogs: { [first!.id]: [line("joined"), line(HOSTILE[0]!)] },
  });
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  const workers = page.locator("section[aria-labelledby=workers-title]");
  const opener = workers.getByRole("button", { name: first!.id, exact: true });
  await opener.focus();
  await page.keyboard.press("Enter");
  assert.equal(await opener.getAttribute("aria-expanded"), "true");
  const lines = workers.locator(".worker-log .log-text");
  assert.deepEqual(await lines.allTextContents(), ["joined", HOSTILE[0]!]);
  server.update(liveUpdate(view, { workerLogs: { [first!.id]: [line("joined"), line("slow")] } }));
  await waitForText(page, ".worker-log", "slow");

  // It asks before it stops.
  await workers.getByRole("button", { name: "Stop this worker" }).click();
  await workers.getByRole("button", { name: "Cancel" }).click();
  await workers.getByRole("button", { name: "Stop this worker" }).click();
  await workers.getByRole("button", { name: `Stop ${first!.id} now` }).click();
  await waitForText(page, ".worker-actions", "Stopping.");
  assert.deepEqual(server.commands.at(-1), {
    path: "/api/stop-worker",
    body: { worker: first!.id },
  });
  assert.equal(
    await workers.getByRole("button", { name: "Stop this worker" }).isDisabled(),
    true,
  );
  const left = { ...first!, state: "left" as const, users: 0, isWorking: false };
  const rest = view.live.workers.slice(1);
  server.update(liveUpdate(view, { live: { ...live, workers: [left, ...rest] } }));
  await waitForText(page, "section[aria-labelledby=workers-title] tbody", "left");
  assert.equal(await workers.locator(".worker-actions").isVisible(), false);

  // The last one is needed.
  await workers.getByRole("button", { name: second!.id, exact: true }).click();
  const control = { ...live.control, canStopWorkers: false };
  server.update(liveUpdate(view, { live: { ...live, control, workers: [left, ...rest] } }));
  await waitForText(page, "section[aria-labelledby=workers-title]", "It is the only worker");
  assert.deepEqual(complaints, []);
});

browserTest("unfinished requests have a column and a tile once there are any", async (browser) => {
  const view = shopView(60);
  await using server = new FakeDashboard(view);
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  const column = page.locator("section[aria-labelledby=requests-title] th").filter({
    hasText: "Unfinished",
  });
  assert.equal(await column.isVisible(), false);
  assert.equal(await page.locator("#tile-unfinished").count(), 0);

  const unfinished = { count: 50, oldestMs: 11_040 };
  const lowerBounds = ["mean", "max", "p99"] as const;
  server.update(liveUpdate(view, {
    totals: { ...view.totals, unfinished, lowerBounds },
    requests: [{ ...view.requests[0]!, unfinished, lowerBounds }],
  }));
  await column.waitFor();
  const [first, second] = await rowsOf(page, "requests-title");
  assert.deepEqual(first!.slice(3, 8), ["0", "0%", "50, 11.0 s", "0", "40.0"]);
  assert.deepEqual(second!.slice(3, 8), ["0", "0%", "0", "0", "52.0"]);
  const figures = page.locator("section[aria-labelledby=requests-title] td[title]");
  assert.deepEqual((await figures.allTextContents()).slice(0, 3), ["≥3.88", "≥24.8", "≥124"]);
  assert.match((await figures.first().getAttribute("title"))!, /^A lower bound: requests without/);
  assert.equal(await textOf(page, "#tile-unfinished .tile-value"), "50");
  assert.equal(await textOf(page, "#tile-unfinished .tile-note"), "oldest 11.0 s");
  assert.equal(await textOf(page, "#tile-p99 .tile-value"), "≥82.4 ms");
  assert.deepEqual(complaints, []);
});

browserTest(
  "a page shows what a test file can say and measure, once there is any",
  async (browser) => {
    const plain = shopView(60);
    await using server = new FakeDashboard(plain);
    const { page, complaints } = await openPage(browser);
    await page.goto(server.url);
    await waitForText(page, "#state", "Running");
    const sections = ["classes", "groups", "metrics", "checks"]
      .map((name) => page.locator(`section[aria-labelledby=${name}-title]`));
    const parts = [
      ...sections,
      ...["#run-name", "#labels", "#run-end"].map((id) => page.locator(id)),
    ];
    const choice = page.getByLabel("Charts of");
    for (const part of [...parts, choice]) assert.equal(await part.isVisible(), false);
    assert.equal(await page.locator("section[aria-labelledby=requests-title] .opener").count(), 0);

    const scripted = scriptedView(60);
    const view: LiveView = {
      ...scripted,
      runEnd: { kind: "fail", reason: "sold out", node: "w1" },
      live: { ...scripted.live, ended: "ended by run.fail on w1: sold out" },
    };
    server.show(view);
    for (const part of parts) await part.waitFor();
    assert.equal(await textOf(page, "#run-name"), "nightly");
    assert.deepEqual(await page.locator("#labels li").allTextContents(), [
      "env=staging",
      "build=1234",
    ]);
    assert.equal(await textOf(page, "#run-end"), "Ended by run.fail on w1: sold out");
    assert.match(await page.title(), /^Running 1:00 of 2:00 · nightly · aiotest$/);
    assert.deepEqual((await rowsOf(page, "classes-title")).map((cells) => cells.slice(0, 8)), [
      ["BuyerTest", "by weight", "98", "2,400", "24,720", "15", "0.06%", "412.0"],
      ["AdminTest", "2 users", "2", "60", "60", "0", "0%", "1.00"],
    ]);
    assert.deepEqual((await rowsOf(page, "groups-title"))[0], [
      ...["checkout", "1,200", "15", "1.25%", "500", "50.0", "400", "800", "1200", "3200", "8000"],
      ...["16000", "300", "900", "90.0", "270", "3600"],
    ]);
    assert.deepEqual(await rowsOf(page, "metrics-title"), [
      ["cache_hits", "rate", "92.5%", "925 of 1,000", ...Array(9).fill("")],
      ["cart_size", "trend, items", "", "500", "", ...[
        "5",
        "0.500",
        "4",
        "8",
        "12",
        "32",
        "80",
        "160",
      ]],
      ["logins", "counter", "1,234", "", "123", ...Array(8).fill("")],
      ["queue length", "gauge", "7", "", "", "", "0", "", "", "", "", "", "42.5"],
    ]);
    assert.deepEqual(await rowsOf(page, "checks-title"), [
      ["has a token", "997", "3", "99.7%"],
      ["is the right product", "997", "0", "100%"],
    ]);

    // Tags are below their name.
    const opener = page.getByRole("button", { name: /^\/api\/v2\/catalogue/ });
    assert.equal(await opener.getAttribute("aria-expanded"), "false");
    const names = async () => (await rowsOf(page, "requests-title")).map(([name]) => name);
    assert.equal((await names()).length, 5);
    await opener.focus();
    await page.keyboard.press("Enter");
    assert.deepEqual((await names()).slice(1, 4), [
      "/api/v2/catalogue/search?category=…",
      "cache=hit",
      "cache=miss, size=large",
    ]);
    assert.equal(await opener.getAttribute("aria-expanded"), "true");
    assert.match(await textOf(page, "#requests-title"), /^Requests\s+5$/);

    // Charts of a class, and what an update brings.
    await choice.selectOption({ label: "AdminTest" });
    await waitForText(page, "#figure-users .legend-value", "2 users");
    assert.equal(await textOf(page, "#chart-rates"), "Requests and failures per second");
    const [, admin, group] = view.histories;
    const point = { seconds: [60], requests: [7], failures: [1], p50: [9], p95: [9], p99: [9] };
    server.update(liveUpdate(view, {
      timeline: [liveSecond(60)],
      classes: [{ ...view.classes[1]!, users: 3, loadText: "3 users" }],
      groups: [{ ...view.groups[1]!, count: 1201 }],
      checks: [{ name: "a new one", passed: 1, failed: 1, rate: 0.5 }],
      histories: [{ ...admin!, ...point, users: [3] }, { ...group!, ...point }],
    }));
    await waitForText(page, "#figure-users .legend-value", "3 users");
    assert.deepEqual((await legends(page)).slice(1, 3), ["7.00/s", "1.00/s"]);
    assert.deepEqual((await rowsOf(page, "classes-title"))[1]!.slice(1, 3), ["3 users", "3"]);
    assert.equal((await rowsOf(page, "groups-title"))[1]![1], "1,201");
    assert.equal((await rowsOf(page, "checks-title"))[0]![0], "a new one");
    await choice.selectOption({ label: "checkout" });
    await waitForText(page, "#chart-rates", "Groups and failures per second");
    assert.equal(await page.locator("#figure-users").isVisible(), false);
    assert.equal(await textOf(page, "#chart-latency"), "Durations of successful groups");
    // A choice outlives a new view, unless it is gone.
    server.show({ ...view, durationSeconds: 61, runId: "again" });
    await waitForText(page, "#run-id", "again");
    assert.equal(await textOf(page, "#chart-rates"), "Groups and failures per second");
    server.show(plain);
    await waitForText(page, "#chart-rates", "Requests and failures per second");
    await page.locator("#figure-users").waitFor();
    for (const part of [...parts, choice]) assert.equal(await part.isVisible(), false);
    assert.deepEqual(complaints, []);
  },
);

const HOSTILE = [
  "</script><img src=x onerror=\"document.title='taken'\">",
  "<b onmouseover=alert(1)>bold</b>",
  'a"\n{}',
  '=HYPERLINK("http://evil.example")',
  "&lt;i&gt; %s ${name} \u202e ",
];

browserTest("names and errors are shown as text only", async (browser) => {
  const log = HOSTILE.map((text) => ({ at: text, level: text, text }));
  const hostile = scriptedView(10);
  await using server = new FakeDashboard(liveView({
    runId: HOSTILE[0]!,
    name: HOSTILE[0]!,
    labels: Object.fromEntries(HOSTILE.map((text) => [text, text])),
    requests: HOSTILE.map((name) =>
      liveRequest({ method: name, name, tags: [{ ...hostile.requests[1]!.tags[0]!, tags: name }] })
    ),
    classes: HOSTILE.map((name) => ({ ...hostile.classes[0]!, name, loadText: name })),
    groups: HOSTILE.map((name) => ({ ...hostile.groups[0]!, name })),
    metrics: HOSTILE.map((name) => ({ ...trendRow({ name, unit: name }) })),
    checks: HOSTILE.map((name) => checkRow({ name })),
    histories: HOSTILE.map((name) => ({ ...hostile.histories[0]!, name })),
    failures: HOSTILE.map((text) => ({ method: text, name: text, error: text, count: 1 })),
    userErrors: HOSTILE.map((text) => ({ user: text, error: text, place: text, count: 1 })),
    thresholds: HOSTILE.map((expression) => ({
      expression,
      observed: 1,
      passed: false,
      observedText: expression,
      line: { charts: ["latency"], kind: "run", subject: "", value: 40 } as const,
    })),
    annotations: HOSTILE.map((text, index) => ({
      ...{ kind: "note" as const, atSeconds: index, text, node: text },
    })),
    warnings: HOSTILE,
    live: liveState({
      ended: HOSTILE[0]!,
      workers: HOSTILE.map((text) => liveWorker(workerRow({ id: text, host: text }))),
      control: { ...FULL_CONTROL, allowed: false, reason: HOSTILE[0]! },
      log,
    }),
  }));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  const sections = [
    ...["requests", "classes", "groups", "metrics", "checks", "failures", "user-errors", "workers"],
    "thresholds",
  ];
  for (const section of sections) {
    const names = (await rowsOf(page, `${section}-title`)).map(([name]) => name);
    assert.deepEqual(names.toSorted(), HOSTILE.toSorted(), section);
  }
  await page.locator(".opener").first().click();
  assert.equal((await rowsOf(page, "requests-title"))[1]?.[0], HOSTILE[0]);
  assert.equal(await textOf(page, "#run-name"), HOSTILE[0]);
  assert.deepEqual(
    await page.locator("#labels li").allTextContents(),
    HOSTILE.map((text) => `${text}=${text}`),
  );
  assert.equal(await page.locator("#run-end").textContent(), HOSTILE[0]);
  const offered = await page.locator(".chart-choice option").allTextContents();
  assert.deepEqual(offered.slice(1), HOSTILE.map((name) => `GET ${name}`));
  assert.deepEqual(await page.locator("#warning-list li").allTextContents(), HOSTILE);
  assert.equal(await page.locator("#log-lines .log-text").first().textContent(), HOSTILE[0]);
  assert.equal(await page.locator("#control-reason").textContent(), HOSTILE[0]);
  assert.equal(await page.locator("main img, main b, main i, body script").count(), 0);
  assert.match(await page.title(), /^Running .* · aiotest$/);
  server.show(liveView({ requests: [liveRequest({ name: "x".repeat(2000) })] }));
  const long = page.locator("section[aria-labelledby=requests-title] tbody th[title]");
  await long.waitFor();
  assert.equal(await long.textContent(), `${"x".repeat(299)}…`);
  assert.equal(await long.getAttribute("title"), "x".repeat(2000));
  assert.deepEqual(complaints, []);
});

browserTest("the run can be changed, stopped and started from the page", async (browser) => {
  await using server = new FakeDashboard(liveView());
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  assert.equal(await page.inputValue("#amount"), "10");
  assert.equal(await page.inputValue("#pace"), "2");
  await page.getByRole("button", { name: "Change" }).click();
  await waitForText(page, "#control-message.bad", "Enter a new value first.");
  await page.locator("#control-form").getByLabel("Users", { exact: true }).fill("250");
  await page.getByLabel("Started per second").fill("12.5");
  // Edited fields keep their values during updates.
  server.update(liveUpdate(liveView()));
  server.log({ lines: [{ at: "", level: "INFO", text: "mark" }] });
  await waitForText(page, "#log-lines", "mark");
  assert.equal(await page.inputValue("#amount"), "250");
  await page.getByRole("button", { name: "Change" }).click();
  await waitForText(page, "#control-message", "Changed.");
  // A field that is not edited shows the value in force, and is not sent.
  server.show(liveView({
    live: liveState({ users: { current: 10, target: 250 }, spawnRate: 0.25 }),
  }));
  await page.waitForFunction(() =>
    (document.querySelector("#pace") as HTMLInputElement).value !== "12.5"
  );
  assert.equal(await page.inputValue("#pace"), "0.25");
  await page.locator("#control-form").getByLabel("Users", { exact: true }).fill("1.5");
  await page.locator("#control-form").getByLabel("Users", { exact: true }).press("Enter");
  await page.locator("#amount:invalid").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await waitForText(page, "#control-message", "Stopping.");
  const reason = "The test is stopping.";
  server.show(liveView({
    live: liveState({ state: "stopping", control: { ...FULL_CONTROL, canChange: false, reason } }),
  }));
  await waitForText(page, "#control-reason", reason);
  assert.equal(await page.locator("#control-message").textContent(), "");
  server.commandError = { status: 409, error: "The test is stopping." };
  await page.getByRole("button", { name: "Stop" }).click();
  await waitForText(page, "#control-message.bad", "The test is stopping.");
  server.commandError = null;

  const control = { ...FULL_CONTROL, canStart: true, canStop: false, canChange: false };
  server.show(liveView({
    runId: "next",
    live: liveState({ state: "ready", users: { current: 0, target: 0 }, control }),
  }));
  const start = page.getByRole("button", { name: "Start" });
  await start.click();
  await waitForText(page, "#control-message", "Started.");
  await page.reload();
  await page.locator("#control-form").getByLabel("Users", { exact: true }).fill("20");
  await start.click();
  await waitForText(page, "#control-message", "Started.");

  server.show(liveView({
    live: liveState({ model: "open", arrivals: { rate: 50, maxUsers: 80 } }),
  }));
  await page.getByRole("spinbutton", { name: "Iterations per second" }).fill("75.5");
  assert.equal(await page.inputValue("#pace"), "80");
  await page.getByRole("button", { name: "Change" }).click();
  await waitForText(page, "#control-message", "Changed.");
  assert.deepEqual(server.commands, [
    { path: "/api/target", body: { users: 250, rate: 12.5 } },
    { path: "/api/stop", body: {} },
    { path: "/api/stop", body: {} },
    { path: "/api/start", body: {} },
    { path: "/api/start", body: { users: 20 } },
    { path: "/api/target", body: { arrivalRate: 75.5 } },
  ]);
  // The browser logs the error response.
  assert.deepEqual(complaints.filter((text) => !text.includes("409")), []);
});

browserTest(
  "a run is paused and resumed with one button, and says for how long",
  async (browser) => {
    const running = liveView();
    await using server = new FakeDashboard(running);
    const { page, complaints } = await openPage(browser);
    await page.goto(server.url);
    await waitForText(page, "#state", "Running");
    const pause = page.getByRole("button", { name: "Pause" });
    await pause.focus();
    await page.keyboard.press("Enter");
    await waitForText(page, "#control-message", "Paused: users finish their iterations and wait.");
    const paused = liveView({
      pauses: [{ from: 12, to: null }],
      live: liveState({
        paused: true,
        elapsedSeconds: 24.2,
        loadSeconds: 12,
        control: { ...FULL_CONTROL, canPause: false, canResume: true },
      }),
    });
    server.show(paused);
    await waitForText(page, "#state", "Paused for 12 s");
    // Screen readers are told once.
    assert.equal(await page.locator("#state-announced").textContent(), "Paused");
    assert.equal(await textOf(page, "#time"), "0:12 of 0:20");
    const { log: _, ...live } = paused.live;
    server.update(liveUpdate(paused, { live: { ...live, elapsedSeconds: 25.3 } }));
    await waitForText(page, "#state", "Paused for 13 s");
    assert.equal(await page.locator("#state-announced").textContent(), "Paused");
    // The button has kept the focus.
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Resume");
    await page.keyboard.press("Enter");
    await waitForText(page, "#control-message", "Resumed.");
    const reason = "The test is stopping.";
    const control = { ...FULL_CONTROL, canPause: false, canChange: false, reason };
    server.show(liveView({ live: liveState({ state: "stopping", control }) }));
    await waitForText(page, "#control-reason", reason);
    assert.equal(await pause.isDisabled(), true);
    assert.equal(await pause.getAttribute("aria-describedby"), "control-reason");
    assert.deepEqual(server.commands.map(({ path }) => path), ["/api/pause", "/api/resume"]);
    assert.deepEqual(complaints, []);
  },
);

browserTest("commands that are not allowed are disabled, with a reason", async (browser) => {
  const reason = "The dashboard is read-only.";
  const control = { ...FULL_CONTROL, allowed: false, reason };
  await using server = new FakeDashboard(liveView({ live: liveState({ control }) }));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#control-reason", reason);
  for (const field of ["#amount", "#pace", "#apply", "#pause", "#stop"]) {
    assert.equal(await page.locator(field).isDisabled(), true, field);
    assert.equal(await page.getAttribute(field, "aria-describedby"), "control-reason");
  }
  assert.deepEqual(complaints, []);
});

browserTest(
  "the page survives a reload, a lost server, and the end of the run",
  async (browser) => {
    const server = new FakeDashboard(shopView(40));
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await waitForText(page, "#time", "0:40 of 5:00");
    await page.reload();
    await waitForText(page, "#time", "0:40 of 5:00");
    await waitForText(page, "#connection", "Live");
    await server.close();
    await waitForText(page, "#connection.away", "The server does not respond; reconnecting");
    assert.equal(await textOf(page, "#time"), "0:40 of 5:00");
    assert.equal(await page.locator("#stop").isDisabled(), true);
    {
      await using again = new FakeDashboard(shopView(55), { port: server.port });
      await waitForText(page, "#connection.live", "Live");
      await waitForText(page, "#time", "0:55 of 5:00");
      assert.equal(await page.locator("#stop").isDisabled(), false);
      const view = shopView(60);
      again.show({
        ...view,
        exitCode: 3,
        live: {
          ...view.live,
          state: "stopped",
          verdict: { text: "Failed: threshold crossed", tone: "bad" },
          users: { current: 0, target: 0 },
        },
      });
      await waitForText(page, "#verdict", "Failed: threshold crossed");
      assert.equal(await textOf(page, "#state"), "Ended");
    }
    await waitForText(page, "#connection.over", "aiotest has exited; these are the final results");
    assert.equal(await textOf(page, "#tile-users .tile-value"), "100");
    assert.equal((await rowsOf(page, "requests-title")).length, 5);
  },
);

browserTest("the page asks for a token if one is required", async (browser) => {
  await using server = new FakeDashboard(liveView(), { token: "open sesame" });
  const { page, context } = await openPage(browser);
  await page.goto(server.url);
  await page.getByLabel("Token", { exact: true }).waitFor();
  assert.equal(await page.locator("main").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "token");
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await waitForText(page, "#login-message", "The token is wrong.");
  await page.getByLabel("Token", { exact: true }).fill("open sesame");
  await page.keyboard.press("Enter");
  await waitForText(page, "#state", "Running");
  assert.equal(await page.locator("#login").isVisible(), false);
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, "Strict"]);
  await page.getByRole("button", { name: "Log out" }).waitFor();
});

browserTest("all charts share their cursor and zoom", async (browser) => {
  await using server = new FakeDashboard(shopView(120));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  const over = page.locator("#figure-rates .u-over");
  const box = (await over.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.waitForFunction(() =>
    [...document.querySelectorAll("figure li:first-child .legend-value")]
      .every(({ textContent }) => textContent?.endsWith(" at 1:00"))
  );
  assert.deepEqual((await legends(page))[0], "100 users at 1:00");
  // Off by half a second, so that rounding to pixels does not matter.
  await page.mouse.move(box.x + box.width * 59.5 / 120, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 90.5 / 120, box.y + 40, { steps: 4 });
  await page.mouse.up();
  const reset = page.getByRole("button", { name: "Show the whole run" });
  await reset.waitFor();
  // The zoom is kept when new data arrives.
  server.show(shopView(121));
  await waitForText(page, "#time", "2:01");
  await page.mouse.move(box.x + 2, box.y + 40);
  await waitForText(page, "#figure-users", "at 1:00");
  await page.mouse.move(box.x + box.width - 2, box.y + 40);
  await waitForText(page, "#figure-users", "at 1:30");
  await reset.click();
  assert.equal(await reset.isVisible(), false);
  await page.mouse.move(box.x + box.width - 2, box.y + 40);
  await waitForText(page, "#figure-users", "at 2:01");
  assert.deepEqual(complaints, []);
});

browserTest("each cell of the heat map has the colour of its requests", async (browser) => {
  const timeline = Array.from({ length: 20 }, (_, second) => liveSecond(second));
  const heat = new HeatMap();
  const counts = [[4, 1000], [20, 30], [900, 1]] as const;
  for (const { second } of timeline) {
    const histogram = new Histogram();
    // Every other second has none of them.
    if (second % 2 === 0) {
      for (const [ms, count] of counts) {
        for (let index = 0; index < count; index += 1) histogram.record(ms);
      }
    }
    heat.replace(second, null, cellsOf(histogram));
  }
  await using server = new FakeDashboard(liveView({
    timeline,
    heatMap: heat.rows(),
    live: liveState({ elapsedSeconds: 20 }),
  }));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  await waitForText(page, "#figure-heat .legend", "Most");
  assert.equal(
    await page.locator("#chart-heat-summary").textContent(),
    "Of the 1,031 requests of the last second, most took 4.00 – 4.50 ms, and the slowest up to " +
      "960 ms. The slowest of the run ended by 0:01 and took up to 960 ms.",
  );
  // The colour in the middle of a cell, by second and row of the axis.
  const [first] = [rowOf(4)];
  const end = rowOf(960);
  const colors = await page.evaluate(
    ([first, end, rows]) => {
      const root = document.querySelector("#figure-heat")!;
      const canvas = root.querySelector("canvas")!;
      const over = root.querySelector<HTMLElement>(".u-over")!.getBoundingClientRect();
      const frame = canvas.getBoundingClientRect();
      const scale = canvas.width / frame.width;
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      const context = copy.getContext("2d", { willReadFrequently: true })!;
      context.drawImage(canvas, 0, 0);
      return [0, 1, 18, 19].map((second) =>
        rows.map((row) => {
          const x = over.left - frame.left + over.width * (second + 0.5) / 20;
          const y = over.top - frame.top + over.height * (1 - (row + 0.5 - first) / (end - first));
          const [r, g, b, a] = context.getImageData(x * scale, y * scale, 1, 1).data;
          return a === 0
            ? ""
            : `#${[r, g, b].map((part) => part!.toString(16).padStart(2, "0")).join("")}`;
        })
      );
    },
    [
      first,
      end,
      [4, 20, 900].map((ms) => Math.floor(rowOf(ms))).concat(Math.floor(rowOf(100))),
    ] as const,
  );
  const palette = await page.evaluate(() =>
    getComputedStyle(document.documentElement).getPropertyValue("--heat").trim().split(/\s+/)
  );
  const expected = counts.map(([, count]) => palette[heatLevel(count, 1000, palette.length)]);
  assert.deepEqual(colors, [
    [...expected, ""],
    Array(4).fill(""),
    [...expected, ""],
    Array(4).fill(""),
  ]);
  assert.deepEqual(complaints, []);
});

browserTest("everything can be used with the keyboard", async (browser) => {
  await using server = new FakeDashboard(shopView(120));
  const { page, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#state", "Running");
  await page.keyboard.press("Tab");
  assert.equal(
    await page.evaluate(() => document.activeElement?.textContent),
    "Skip to the results",
  );
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowLeft");
  await waitForText(page, "#figure-latency", "at 2:00");
  await page.keyboard.press("PageUp");
  await waitForText(page, "#figure-users", "at 1:00");
  const seen = new Set<string>();
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press("Tab");
    const id = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.id || activeElement?.getAttribute("aria-label") ||
        activeElement?.textContent || "";
    });
    seen.add(id);
  }
  for (
    const part of [
      "amount",
      "pace",
      "apply",
      "pause",
      "stop",
      "HTML",
      "Filter requests",
      "p95",
      "log",
    ]
  ) {
    assert.ok(seen.has(part), `${part} is not among ${[...seen].join(", ")}`);
  }
  await page.locator("section[aria-labelledby=requests-title] th button", { hasText: /^p95$/ })
    .focus();
  await page.keyboard.press("Enter");
  const names = async () => (await rowsOf(page, "requests-title")).map(([name]) => name);
  assert.equal((await names())[0], "Buy something");
  await page.keyboard.press("Enter");
  assert.equal((await names())[0], "/");
  assert.equal(
    await page.locator("section[aria-labelledby=requests-title] th[aria-sort]").getAttribute(
      "aria-sort",
    ),
    "ascending",
  );
  await page.getByLabel("Filter requests").fill("post api");
  assert.deepEqual((await names()).length, 2);
  await waitForText(page, "section[aria-labelledby=requests-title] [role=status]", "2 of 5 match.");
  assert.deepEqual(complaints, []);
});

browserTest("both themes are legible, on a phone and on a wide screen", async (browser) => {
  const { name, labels, ...scripted } = scriptedView(154);
  const { requests, classes, groups, metrics, checks, histories } = scripted;
  await using server = new FakeDashboard({
    ...shopView(154),
    ...{ name, labels, requests, classes, groups, metrics, checks, histories },
  });
  const backgrounds = new Set<string>();
  for (const theme of ["light", "dark"] as const) {
    const { page, complaints } = await openPage(browser, { width: 375, height: 900, theme });
    await page.goto(server.url);
    await waitForText(page, "#state", "Running");
    for (const section of ["requests", "failures", "workers"]) {
      await page.locator(`section[aria-labelledby=${section}-title] .opener`).first().click();
    }
    for (const width of [375, 768, 1600]) {
      await resize(page, width);
      const [full, part] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        [...document.querySelectorAll("main > *, .card, figure")]
          .filter((box) => box.getBoundingClientRect().right > innerWidth + 1)
          .map(({ className }) => className).join(),
      ]);
      assert.deepEqual([full, part], [width, ""], `${theme}, ${width}`);
      const seen = await page.locator("section[aria-labelledby=requests-title] thead th")
        .evaluateAll((heads) =>
          heads.filter((head) => {
            const { right, width } = head.getBoundingClientRect();
            return width > 0 && right <= innerWidth;
          }).map(({ textContent }) => textContent)
        );
      for (const title of ["Name", "Requests", "Failures", "p50", "p95", "p99"]) {
        assert.ok(seen.includes(title), `${title}, ${width}`);
      }
      assert.deepEqual(await lowContrastTexts(page), [], `${theme}, ${width}`);
      assert.deepEqual(await drawnCharts(page), Array(6).fill(true));
    }
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    assert.deepEqual(complaints, []);
  }
  assert.equal(backgrounds.size, 2);
});

browserTest(
  "the page follows a change of theme, and respects reduced motion",
  async (browser) => {
    await using server = new FakeDashboard(shopView(30));
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await waitForText(page, "#state", "Running");
    const pixels = () =>
      page.evaluate(() => document.querySelector("canvas")!.toDataURL().slice(-2000));
    const before = await pixels();
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await page.waitForFunction(
      (was) => document.querySelector("canvas")!.toDataURL().slice(-2000) !== was,
      before,
    );
    await server.close();
    await waitForText(page, "#connection.away", "reconnecting");
    const duration = await page.evaluate(() =>
      getComputedStyle(document.querySelector("#connection")!, "::before").animationDuration
    );
    assert.ok(Number.parseFloat(duration) < 0.001, duration);
  },
);

browserTest("the page stays fast with an hour, 1,000 names and 200 workers", async (browser) => {
  const name = (index: number): string => `/catalogue/department-${index % 40}/item-${index}`;
  const requests = Array.from({ length: 1000 }, (_, index) => liveRequest({ name: name(index) }));
  const workers = Array.from(
    { length: 200 },
    (_, index) => liveWorker(workerRow({ id: `worker-${index}` })),
  );
  const live = liveState({ workers, elapsedSeconds: 3600, plannedSeconds: 7200 });
  const timeline = Array.from({ length: 3600 }, (_, second) => liveSecond(second));
  const view = liveView({ requests, live, timeline });
  await using server = new FakeDashboard(view);
  const { page, context, complaints } = await openPage(browser);
  await page.goto(server.url);
  await waitForText(page, "#requests-title", "1,000");
  assert.equal((await rowsOf(page, "requests-title")).length, 100);
  await waitForText(
    page,
    "section[aria-labelledby=requests-title] [role=status]",
    "Showing 100 of 1,000.",
  );
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const busy = async (): Promise<number> => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ThreadTime")!.value;
  };
  const before = await busy();
  const updates = 20;
  for (let index = 1; index <= updates; index += 1) {
    server.update(liveUpdate(view, {
      durationSeconds: 10 + index,
      requests: requests.map((row) => ({ ...row, requests: 1000 + index })),
      timeline: [liveSecond(3599 + index)],
    }));
    await page.waitForFunction(
      (count) =>
        document.querySelector("section[aria-labelledby=requests-title] tbody td:nth-child(3)")
          ?.textContent === count,
      `1,0${String(index).padStart(2, "0")}`,
    );
  }
  const perUpdate = (await busy() - before) / updates * 1000;
  // CPU time, which depends little on the load of the machine.
  assert.ok(perUpdate < 200, `${perUpdate.toFixed(1)} ms an update`);
  await page.getByLabel("Filter requests").fill("department-7/");
  assert.equal((await rowsOf(page, "requests-title")).length, 25);
  await page.getByLabel("Filter requests").fill("");
  await page.locator("section[aria-labelledby=requests-title]").getByText("Show more").click();
  assert.equal((await rowsOf(page, "requests-title")).length, 200);
  assert.deepEqual(complaints, []);
});
