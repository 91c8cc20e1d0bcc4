import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePage } from "../../src/http/html_element.ts";
import { hostileHtml } from "../support/hostile_html.ts";
import { lengthOf } from "../support/nightly.ts";

const PAGE = `<!doctype html><title>Shop &amp; more</title>
  <form id=login action="/login"><input type="hidden" name="csrf" value="a&quot;b">
  <input name=user VALUE=ann><input type=password name=password>
  <input type=checkbox name=stay checked><input type=checkbox name=news value=1>
  <input type=radio name=kind value=a><input type=radio name=kind value=b checked>
  <select name=land><option value=de>DE<option selected value=fr>FR</select>
  <select name=size><option>S<option>L</select>
  <select name=tags multiple><option selected>x</option><option selected> y </option><option>z</select>
  <textarea name=text>
one
two</textarea><input name=off value=1 disabled><input type=submit name=go value=Go>
  <input type=file name=upload><input value=nameless><button name=b value=1>B</button></form>
  <ul class="list big"><li>One <b>1</b></li><li data-id=7>Two</li></ul>`;

Deno.test("elements are found by CSS selectors", () => {
  const page = parsePage(PAGE);
  assert.equal(page.name, "");
  assert.equal(page.attr("value"), undefined);
  assert.equal(page.find("input[name=csrf]")?.attr("value"), 'a"b');
  assert.equal(page.find("title")?.text(), "Shop & more");
  assert.equal(page.find("nothing"), null);
  assert.deepEqual(page.findAll("ul.big > li").map((item) => item.text()), ["One 1", "Two"]);
  assert.equal(page.findAll("li:not([data-id])").length, 1);
  const list = page.find("ul")!;
  assert.equal(list.name, "ul");
  assert.equal(list.find("[data-id='7']")?.attr("DATA-ID"), "7");
  assert.equal(list.find("input"), null);
  assert.equal(list.find("ul"), null);
  assert.equal(list.attr("constructor"), undefined);
});

Deno.test("the fields of a form are those that a browser sends", () => {
  const fields = parsePage(PAGE).find("#login")!.fields();
  assert.deepEqual(fields, {
    csrf: ['a"b'],
    user: ["ann"],
    password: [""],
    stay: ["on"],
    kind: ["b"],
    land: ["fr"],
    size: ["S"],
    tags: ["x", "y"],
    text: ["one\ntwo"],
  });
});

Deno.test("an invalid selector is refused", () => {
  const page = parsePage(PAGE);
  for (const selector of ["[[", ":nope", "a[", "a:not("]) {
    assert.throws(() => page.find(selector), {
      name: "TypeError",
      message: /is not a CSS selector/,
    });
    assert.throws(() => page.findAll(selector), {
      name: "TypeError",
      message: /is not a CSS selector/,
    });
  }
  for (const [selector, text] of [[7, "7"], ["", "''"], [undefined, "undefined"]]) {
    assert.throws(() => page.find(selector as string), {
      name: "TypeError",
      message: `html: ${text}, expected a CSS selector`,
    });
  }
});

Deno.test("any text is a page", () => {
  fc.assert(
    fc.property(hostileHtml(), (html) => {
      const page = parsePage(html);
      assert.equal(typeof page.text(), "string");
      for (const element of page.findAll("*")) {
        assert.ok(element.name.length > 0);
        assert.equal(typeof element.fields(), "object");
      }
    }),
    { numRuns: lengthOf({ short: 300, full: 20_000 }) },
  );
});

Deno.test("pages that are too long or nested too deep are refused", () => {
  assert.throws(() => parsePage("<b>".repeat(1000)), {
    name: "RangeError",
    message: "html: the elements of the page are nested over 512 deep",
  });
  assert.equal(parsePage("<b>".repeat(500)).findAll("b").length, 500);
  assert.throws(() => parsePage("x".repeat(9 * 1024 * 1024)), {
    name: "RangeError",
    message: "html: the page has over 8 Mi characters",
  });
});

Deno.test("long hostile pages are read in a time in proportion to their length", () => {
  const deep = "<i>".repeat(500);
  for (
    const piece of ["</b>", "<br>", "</p>", "<form>", "<a a=1 b=2>x</a>", "&amp;", "<li>", "<!--"]
  ) {
    const html = deep + piece.repeat(2 ** 18 / piece.length);
    const before = performance.now();
    parsePage(html);
    const ms = performance.now() - before;
    assert.ok(ms < 5_000, `${piece}: ${ms} ms`);
  }
});
