import assert from "node:assert/strict";
import { linkedScript, readReportSources } from "../../src/web/html_report.ts";

const OWN = new URL("../../src/web/report_page/", import.meta.url);

Deno.test("everything that only a report has is in it", async () => {
  const { page, style, modules } = await readReportSources();
  const names = modules.map(({ name }) => name);
  for await (const { name } of Deno.readDir(OWN)) {
    const text = await Deno.readTextFile(new URL(name, OWN));
    if (name.endsWith(".js")) assert.ok(names.includes(`report_page/${name}`), name);
    else assert.ok([page, style].some((one) => one.includes(text)), name);
  }
  assert.equal(names.at(-1), "report_page/report.js");
});

Deno.test("the modules can be linked, and nothing in them ends the script or the style", async () => {
  const { modules, style, licence, icon } = await readReportSources();
  assert.doesNotMatch(linkedScript(modules) + licence, /<\/script|<!--/i);
  assert.doesNotMatch(style, /<\/style|@import|url\(/i);
  assert.match(licence, /The MIT License/);
  assert.doesNotMatch(licence, /\*\//);
  assert.match(icon, /^<svg /);
});

Deno.test("the page has nothing of its own that a policy would refuse", async () => {
  const { page } = await readReportSources();
  assert.doesNotMatch(page, /<script|<style|<link|\sstyle=|\son\w+=|javascript:|https?:/);
  const places = [...page.matchAll(/<!-- (\w+) -->/g)].map(([, name]) => name);
  assert.deepEqual(places, ["policy", "icon", "style", "data", "script"]);
});
