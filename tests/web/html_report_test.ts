import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  htmlReport,
  linkedScript,
  readReportSources,
  type ScriptModule,
} from "../../src/web/html_report.ts";
import type { ReportContent } from "../../src/web/report_content.ts";
import { projectPath } from "../support/paths.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { requestRow, snapshot, statistics } from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

const ENDED = snapshot({ state: "stopped" });

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

Deno.test("the policy allows only the page's own script and style", async () => {
  const html = joined(await htmlReport(ENDED, 0, runMetadata()));
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

Deno.test("names are embedded as data, whatever they contain", async () => {
  const names = [
    "</script><img src=x>",
    "<!-- script -->",
    "<!--",
    "$& $1 {{data}}",
    "\u2028'\"\\",
  ];
  const html = joined(
    await htmlReport(
      snapshot({
        state: "stopped",
        statistics: statistics({ requests: names.map((name) => requestRow({ name })) }),
      }),
      0,
      runMetadata({ test: names[0]! }),
    ),
  );
  const [, json] = /<script id="data" type="application\/json">([^]*?)<\/script>/.exec(html)!;
  assert.doesNotMatch(json!, /</);
  const content: ReportContent = JSON.parse(json!);
  assert.deepEqual(content.view.requests.map(({ name }) => name), names);
  assert.equal(content.metadata.test, names[0]);
  assert.equal(html.match(/<script/g)?.length, 2);
});

Deno.test("the page is small, and includes the licence of uPlot", async () => {
  const html = joined(await htmlReport(ENDED, 0, runMetadata()));
  assert.ok(html.length < 200_000, `${html.length} bytes`);
  assert.match(html, /Copyright \(c\) \d+ Leon Sorokin/);
});

/** Links and runs modules. Returns what they assign to `result`. */
function run(modules: readonly ScriptModule[]): unknown {
  return new Function(`let result; ${linkedScript(modules)} return result;`)();
}

Deno.test("modules get their imports under the names that they choose", () => {
  const result = run([
    { name: "chart", text: "var Chart = (function () { return 'drawn'; })();", variable: "Chart" },
    {
      name: "lib/a.js",
      text: [
        "const count = 1;",
        "export const FIRST = count;",
        "export function second() { return count + 1; }",
        "export async function third() {}",
        "export class Fourth {}",
        "function helper() { return 'own'; }",
        "export function callsHelper() { return helper(); }",
      ].join("\n"),
    },
    {
      name: "page/b.js",
      text: [
        'import Plot from "chart";',
        "import {",
        "  FIRST as one,",
        "  second,",
        "  callsHelper,",
        '} from "../lib/a.js";',
        "function helper() { return 'another'; }",
        "result = [Plot, one, second(), callsHelper(), helper()];",
      ].join("\n"),
    },
  ]);
  assert.deepEqual(result, ["drawn", 1, 2, "own", "another"]);
});

Deno.test("only comments on lines of their own are removed", () => {
  const text = [
    "// @ts-check",
    "/**",
    " * What it does, `/*` and // included.",
    " */",
    "/** @type {string} */",
    "const url = 'http://x/'; // stays",
    "  // goes",
    "result = /** @type {any} */ (url) + '/** no comment */';",
    "",
  ].join("\n");
  assert.equal(run([{ name: "a.js", text }]), "http://x//** no comment */");
  const script = linkedScript([{ name: "a.js", text }]);
  assert.doesNotMatch(script, /ts-check|What it does|goes/);
  assert.match(script, /stays/);
});

Deno.test("an import or export that cannot be linked is an error with the module's name", () => {
  const b = 'import { a } from "./a.js";\n';
  const cases: [readonly ScriptModule[], RegExp][] = [
    [[{ name: "x/b.js", text: b }], /x\/b\.js imports \.\/a\.js, which does not precede it/],
    [[{ name: "b.js", text: b }, { name: "a.js", text: "" }], /does not precede it/],
    [[{ name: "b.js", text: 'import "./a.js";\n' }], /b\.js cannot be linked: import "\.\/a\.js"/],
    [[{ name: "b.js", text: "export default 1;\n" }], /b\.js cannot be linked: export default/],
    [[{ name: "b.js", text: "export let a = 1;\n" }], /b\.js cannot be linked: export let/],
  ];
  for (const [modules, message] of cases) assert.throws(() => linkedScript(modules), message);
});

const OWN = new URL("../../src/web/report_page/", import.meta.url);

Deno.test("every file of report_page is part of a report", async () => {
  const { page, style, modules } = await readReportSources();
  const names = modules.map(({ name }) => name);
  for await (const { name } of Deno.readDir(OWN)) {
    const text = await Deno.readTextFile(new URL(name, OWN));
    if (name.endsWith(".js")) assert.ok(names.includes(`report_page/${name}`), name);
    else assert.ok([page, style].some((one) => one.includes(text)), name);
  }
  assert.equal(names.at(-1), "report_page/report.js");
});

Deno.test("nothing in the linked modules ends the script or style element", async () => {
  const { modules, style, licence, icon } = await readReportSources();
  assert.doesNotMatch(linkedScript(modules) + licence, /<\/script|<!--/i);
  assert.doesNotMatch(style, /<\/style|@import|url\(/i);
  assert.match(licence, /The MIT License/);
  assert.doesNotMatch(licence, /\*\//);
  assert.match(icon, /^<svg /);
});

Deno.test("the template contains nothing that the policy would block", async () => {
  const { page } = await readReportSources();
  assert.doesNotMatch(page, /<script|<style|<link|\sstyle=|\son\w+=|javascript:|https?:/);
  const places = [...page.matchAll(/<!-- (\w+) -->/g)].map(([, name]) => name);
  assert.deepEqual(places, ["policy", "icon", "style", "data", "script"]);
});

Deno.test("docs/html-report.md says how large a report is", async () => {
  const page = await Deno.readTextFile(projectPath("docs/html-report.md"));
  const kilobytes = Number(/^A report takes about (\d+) KB, plus/m.exec(page)![1]);
  const html = joined(await htmlReport(ENDED, 0, runMetadata()));
  const size = new TextEncoder().encode(html).length / 1000;
  assert.ok(Math.abs(size - kilobytes) < 20, String(size));
});
