import assert from "node:assert/strict";
import { xmlAttribute, xmlText } from "../../src/report/junit.ts";

Deno.test("markup is escaped", () => {
  assert.equal(xmlText(`<a b="c">'&'</a>`), "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;");
});

Deno.test("what XML cannot hold stands as it is written in code", () => {
  assert.equal(
    xmlText("\0\x08\x0b\x1b\x7f\x9b\ufffe\uffff"),
    [
      "\\u0000\\u0008\\u000b\\u001b",
      "\\u007f\\u009b\\ufffe\\uffff",
    ].join(""),
  );
  assert.equal(xmlText("a\ud800b\udc00"), "a\\ud800b\\udc00");
  assert.equal(xmlText("😀 日本"), "😀 日本");
});

Deno.test("breaks of lines are kept, in attributes as well", () => {
  assert.equal(xmlText("a\tb\nc\rd"), "a\tb\nc&#13;d");
  assert.equal(xmlAttribute("a\tb\nc\rd"), "a&#9;b&#10;c&#13;d");
});
