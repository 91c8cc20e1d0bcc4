import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { htmlReport } from "../../src/web/html_report.ts";
import type { ReportContent } from "../../src/web/report_content.ts";
import { reportFacts } from "../support/report_facts.ts";
import { requestRow, snapshot, statistics } from "../support/snapshots.ts";

const ENDED = snapshot({ state: "stopped" });

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

Deno.test("the policy lets the page's own script and style be used, and nothing else", async () => {
  const html = await htmlReport(ENDED, 0, reportFacts());
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)!;
  const [, style] = /<style>([^]*?)<\/style>/.exec(html)!;
  const [, script] = /<script type="module">([^]*?)<\/script>/.exec(html)!;
  assert.equal(
    policy,
    `default-src 'none'; script-src 'sha256-${sha256(script!)}'; ` +
      `style-src 'sha256-${sha256(style!)}'; img-src data:; base-uri 'none'; form-action 'none'`,
  );
  assert.ok(html.indexOf("Content-Security-Policy") < html.indexOf("<style>"));
  assert.equal(html.match(/<script/g)?.length, 2);
  assert.doesNotMatch(html, /<!-- |\ssrc=|href="(?!#main|data:)|@import/);
});

Deno.test("names are data, whatever is in them", async () => {
  const names = [
    "</script><img src=x>",
    "<!-- script -->",
    "<!--",
    "$& $1 {{data}}",
    "\u2028'\"\\",
  ];
  const html = await htmlReport(
    snapshot({
      state: "stopped",
      statistics: statistics({ requests: names.map((name) => requestRow({ name })) }),
    }),
    0,
    reportFacts({ test: names[0]! }),
  );
  const [, json] = /<script id="data" type="application\/json">([^]*?)<\/script>/.exec(html)!;
  assert.doesNotMatch(json!, /</);
  const content: ReportContent = JSON.parse(json!);
  assert.deepEqual(content.view.requests.map(({ name }) => name), names);
  assert.equal(content.facts.test, names[0]);
  assert.equal(html.match(/<script/g)?.length, 2);
});

Deno.test("the page is small, and carries the licence of what it brings along", async () => {
  const html = await htmlReport(ENDED, 0, reportFacts());
  assert.ok(html.length < 150_000, `${html.length} bytes`);
  assert.match(html, /Copyright \(c\) \d+ Leon Sorokin/);
});
