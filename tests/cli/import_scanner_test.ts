import assert from "node:assert/strict";
import { localImports } from "../../src/cli/test_bundle.ts";

Deno.test("every way to import a file of one's own is found", () => {
  const text = `
    import "./side_effect.ts";
    import defaultOne from './default.ts';
    import { a, b as c } from "./named.ts";
    import * as all from "./all.ts";
    import defaultToo, { type D } from "./both.ts";
    import type { E } from "./types.ts";
    import data from "../data.json" with { type: "json" };
    export { f } from "./exported.ts";
    export * from "./everything.ts";
    import{g}from"./tight.ts";
    import {
      h,
    } from
      // a remark
      "./long.ts";
    const lazy = await import("./lazy.ts");
    const later = import( /* remark */ './later.ts' );
    const quoted = import(\`./back.ts\`);
  `;
  assert.deepEqual(localImports(text), [
    ...["./side_effect.ts", "./default.ts", "./named.ts", "./all.ts", "./both.ts", "./types.ts"],
    ...["../data.json", "./exported.ts", "./everything.ts", "./tight.ts", "./long.ts"],
    ...["./lazy.ts", "./later.ts", "./back.ts"],
  ]);
});

Deno.test("packages, addresses and absolute names are not files of one's own", () => {
  const text = `
    import { User } from "aiotest";
    import yaml from "npm:yaml@2";
    import x from "jsr:@std/csv";
    import y from "https://example.com/y.ts";
    import z from "/etc/z.ts";
    import fs from "node:fs";
  `;
  assert.deepEqual(localImports(text), []);
});

Deno.test("what only looks like an import is none", () => {
  const text = `
    // import "./a.ts";
    /* import "./b.ts"; */
    const text = 'import "./c.ts"';
    const more = "import './d.ts'";
    const template = \`import "./e.ts" \${"import './f.ts'"} import("./g.ts")\`;
    const array = Array.from(["./h.ts"]);
    const name = "import"; f("./i.ts");
    const pattern = /import ".\\/j.ts"/;
    new URL("./k.ts", import.meta.url);
    import(\`./\${l}.ts\`);
  `;
  assert.deepEqual(localImports(text), []);
});

Deno.test("what comes behind strings, templates, comments and patterns is found", () => {
  const before = [
    `const files = ["data/*.json", "x/*"];`,
    `const url = "http://a/b"; // it's`,
    "const a = `one ${ `two ${ { x: { y: 1 } }.x.y } }` } /* `;",
    "const b = `\\`${ '}' }`;",
    "const c = /[`'\"/]/.test(d) || /\\/*`/.test(d);",
    "const e = f / 2; const g = (h) / 3 / i[0] / 4;",
    'const j = return_ ? /`/ : /"/;',
    "function k() { return /'`/g }",
    "const l = 'it\\'s'; const m = \"\\\"\";",
    "type N = Map<string, Array<`a${string}`>>;",
    "} /`/.test(o)",
    "const p = 'unfinished",
    "/* done */",
  ];
  for (const line of before) {
    assert.deepEqual(localImports(`${line}\nimport "./found.ts";`), ["./found.ts"], line);
  }
  assert.deepEqual(localImports(`${before.join("\n")}\nimport "./found.ts";`), ["./found.ts"]);
});

Deno.test("an import inside a template's expression is found", () => {
  assert.deepEqual(localImports("`${(await import('./in.ts')).a}` + `${1}`"), ["./in.ts"]);
});

Deno.test("each name is given once, and no text at all has none", () => {
  assert.deepEqual(localImports(`import "./a.ts"; export * from "./a.ts";`), ["./a.ts"]);
  assert.deepEqual(localImports(""), []);
  assert.deepEqual(localImports("`${`${"), []);
});

Deno.test("a long text that closes nothing takes no long time", () => {
  const started = performance.now();
  for (const text of ["`${{", "/", "'\\", '"', "/*", "/[", "/a", "`\\"]) {
    localImports(text.repeat(50_000));
  }
  const long = "x".repeat(5_000_000);
  for (const quote of ['"', "'", "`"]) {
    const found = localImports(`f(${quote}${long}${quote}); import "./a.ts"; /*${long}*/`);
    assert.deepEqual(found, ["./a.ts"]);
  }
  assert.ok(performance.now() - started < 5_000);
});
