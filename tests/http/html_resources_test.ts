import assert from "node:assert/strict";
import fc from "fast-check";
import { resourcesOf } from "../../src/http/html_resources.ts";
import { hostileHtml } from "../support/hostile_html.ts";
import { lengthOf } from "../support/nightly.ts";

const PAGE = new URL("http://127.0.0.1:8000/shop/index.html?q=1");

function found(html: string): string[] {
  return resourcesOf(html, PAGE).map(({ href }) => href.replace("http://127.0.0.1:8000", ""));
}

Deno.test("images, scripts, links, frames and posters are found in their order", () => {
  assert.deepEqual(
    found(`<!doctype html><html><head>
      <LINK REL="Stylesheet" HREF="a.css?v=1#top"><link rel="shortcut icon" href=/favicon.ico>
      <link rel=preload as=font href='f.woff2'/><link rel=modulepreload href="m.mjs">
      <script src="a.js"></script><script type=module src=b.mjs async></script>
      </head><body><img src="i.png"><img SRC=i.png><iframe src="/frame"></iframe>
      <input type=image src="b.png"><video poster="p.jpg" src="v.mp4"></video>
      <picture><source srcset="s.avif"><img src="s.png"></picture>
      <img src="x&amp;y.png"><img src=" c.png ">`),
    [
      "/shop/a.css?v=1",
      "/favicon.ico",
      "/shop/f.woff2",
      "/shop/m.mjs",
      "/shop/a.js",
      "/shop/b.mjs",
      "/shop/i.png",
      "/frame",
      "/shop/b.png",
      "/shop/p.jpg",
      "/shop/s.png",
      "/shop/x&y.png",
      "/shop/c.png",
    ],
  );
});

Deno.test("what browsers do not load is not found", () => {
  assert.deepEqual(
    found(`<!-- <img src="comment.png"> --><script>"<img src='script.png'>"</script>
      <style><img src="style.png"></style><textarea><img src="text.png"></textarea>
      <title><img src=title.png></title><noscript><img src="noscript.png"></noscript>
      <template><img src=t.png><template></template><img src="t2.png"></template>
      <script type="application/json" src="data.json"></script><script nomodule src="old.js"></script>
      <link rel="canonical" href="/c"><link rel="next prefetch" href="/n"><link href="/none">
      <link rel=stylesheet href=off.css disabled><a href="/link"></a><audio src="a.mp3"></audio>
      <iframe srcdoc="x" src="/doc"></iframe><img src="data:image/png;base64,AA=="><img src="">
      <img><img src="  "><img src="javascript:alert(1)"><img src="http://[bad">
      <input src="i.png"><svg><path d="M0"/></svg></noscript></template><img src="last.png">`),
    ["/shop/last.png"],
  );
});

Deno.test("the first base applies to the whole page", () => {
  assert.deepEqual(found(`<img src=a.png><base href="/b/"><base href="/c/"><img src=//x.test/y>`), [
    "/b/a.png",
    "http://x.test/y",
  ]);
  assert.deepEqual(found(`<base href="http://[bad"><img src=a.png>`), ["/shop/a.png"]);
});

Deno.test("of a srcset, the smallest image that is large enough is loaded", () => {
  const rows: [attributes: string, url: string][] = [
    [`src=s.png srcset="a.png 2x"`, "s.png"],
    [`src=s.png srcset="a.png, b.png 2x"`, "a.png"],
    [`srcset="a.png 2x, b.png 1.5x"`, "b.png"],
    [`src=s.png srcset="a.png 640w, b.png 1280w, c.png 2560w"`, "b.png"],
    [`src=s.png srcset="a.png 320w,b.png 640w"`, "b.png"],
    [`srcset=" ,, a,b.png 1x , "`, "a,b.png"],
    [`srcset="a.png,, b.png 3x"`, "a.png"],
    [`src=s.png srcset=" , "`, "s.png"],
    [`srcset="a.png nonsense"`, "a.png"],
  ];
  for (const [attributes, url] of rows) {
    assert.deepEqual(found(`<img ${attributes}>`), [`/shop/${url}`], attributes);
  }
});

Deno.test("a page has at most 200 resources, each once", () => {
  const images = Array.from({ length: 300 }, (_, i) => `<img src="${i}.png"><img src=${i}.png#x>`);
  assert.equal(found(images.join("")).length, 200);
});

Deno.test("only the first 8 Mi characters of a page are read", () => {
  const html = `<img src=a.png>${" ".repeat(8 * 1024 * 1024)}<img src=b.png>`;
  assert.deepEqual(found(html), ["/shop/a.png"]);
});

Deno.test("any text is read, and gives absolute URLs without fragments", () => {
  fc.assert(
    fc.property(hostileHtml(), (html) => {
      const urls = resourcesOf(html, PAGE);
      assert.ok(urls.length <= 200);
      assert.equal(new Set(urls.map(({ href }) => href)).size, urls.length);
      for (const { protocol, hash } of urls) {
        assert.match(protocol, /^https?:$/);
        assert.equal(hash, "");
      }
    }),
    { numRuns: lengthOf({ short: 500, full: 20_000 }) },
  );
});

Deno.test("long hostile pages are read in a time in proportion to their length", () => {
  const pieces = [
    "<template>",
    "<noscript><",
    "</template>",
    "<b>",
    "</b>",
    "<img src=",
    "<img src='",
    "<a a=1 a=2 ",
    "<!--",
    "<![CDATA[",
    "&amp",
    "<img src=a srcset='a 1x,",
    "<link rel='a ",
    "<script>",
    "<base href=/a/><img src=b>",
  ];
  for (const piece of pieces) {
    // Half a million characters: a quadratic way would take minutes.
    const html = piece.repeat(2 ** 19 / piece.length);
    const before = performance.now();
    resourcesOf(html, PAGE);
    const ms = performance.now() - before;
    assert.ok(ms < 5_000, `${piece}: ${ms} ms`);
  }
});
