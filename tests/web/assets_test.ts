import assert from "node:assert/strict";
import { isAsset, readAsset } from "../../src/web/assets.ts";
import { REPORT_FILES } from "../../src/web/report_formats.ts";

const PAGES: Readonly<Record<string, string>> = { "index.html": "/", "runs.html": "/runs" };

const PAGE = new URL("../../src/web/page/", import.meta.url);

Deno.test("every file of the page is served with its media type", async () => {
  const types: Readonly<Record<string, string>> = {
    html: "text/html; charset=utf-8",
    js: "text/javascript; charset=utf-8",
    css: "text/css; charset=utf-8",
    svg: "image/svg+xml",
  };
  for await (const { name } of Deno.readDir(PAGE)) {
    const path = PAGES[name] ?? `/assets/${name}`;
    assert.equal(isAsset(path), true, `src/web/sources.ts does not list ${name}`);
    const { mediaType, text } = await readAsset(path);
    assert.equal(mediaType, types[name.split(".").at(-1)!], name);
    assert.equal(text.length > 0, true, name);
  }
});

Deno.test("everything that the page and its scripts refer to is served", async () => {
  const references: string[] = [];
  for (const page of Object.values(PAGES)) {
    const { text } = await readAsset(page);
    for (const [, path] of text.matchAll(/(?:src|href)="(assets\/[^"#]*)"/g)) {
      references.push(`/${path}`);
    }
  }
  for await (const { name } of Deno.readDir(PAGE)) {
    if (!name.endsWith(".js")) continue;
    const { text } = await readAsset(`/assets/${name}`);
    for (const [, from] of text.matchAll(/^(?:import|export)\b[^"]*? from "([^"]+)";/gm)) {
      references.push(new URL(from!, "http://x/assets/").pathname);
    }
  }
  assert.ok(references.includes("/assets/uPlot.esm.js"), references.join(" "));
  for (const path of references) assert.equal(isAsset(path), true, path);
});

Deno.test("the page contains nothing inline that its policy would block", async () => {
  for (const page of Object.values(PAGES)) {
    const { text } = await readAsset(page);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)/);
    assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|javascript:|data:/);
  }
});

Deno.test("uPlot is served from its package", async () => {
  const { text } = await readAsset("/assets/uPlot.esm.js");
  assert.match(text, /export \{ uPlot as default \}/);
  assert.match((await readAsset("/assets/uPlot.min.css")).text, /\.uplot/);
});

Deno.test("no other path is served", () => {
  for (
    const path of ["", "/index.html", "/assets", "/assets/", "/assets/live_view.ts", "toString"]
  ) {
    assert.equal(isAsset(path), false, path);
  }
});

Deno.test("the page receives the server's settings", async () => {
  const { text } = await readAsset("/");
  assert.match(text, /<meta name="heartbeat-ms" content="10000">/);
  assert.match(text, /<meta name="log-lines" content="200">/);
});

Deno.test("the page has a button for each report that every run has", async () => {
  const { text } = await readAsset("/");
  const links = [...text.matchAll(/href="api\/report\/([a-z-]+)" download>/g)];
  const always = REPORT_FILES.filter(({ isEmpty }) => isEmpty === undefined);
  assert.deepEqual(links.map(([, kind]) => kind), always.map(({ kind }) => kind));
});
