import assert from "node:assert/strict";
import { linkedScript, type ScriptModule } from "../../src/web/html_report.ts";

/** What the linked modules leave in `result`. */
function run(modules: readonly ScriptModule[]): unknown {
  return new Function(`let result; ${linkedScript(modules)} return result;`)();
}

Deno.test("modules see what they import, under the names that they give it", () => {
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
        "export function told() { return helper(); }",
      ].join("\n"),
    },
    {
      name: "page/b.js",
      text: [
        'import Plot from "chart";',
        "import {",
        "  FIRST as one,",
        "  second,",
        "  told,",
        '} from "../lib/a.js";',
        "function helper() { return 'another'; }",
        "result = [Plot, one, second(), told(), helper()];",
      ].join("\n"),
    },
  ]);
  assert.deepEqual(result, ["drawn", 1, 2, "own", "another"]);
});

Deno.test("comments of their own lines are left out, and nothing else", () => {
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

Deno.test("what cannot be linked is an error that says where", () => {
  const b = 'import { a } from "./a.js";\n';
  const cases: [readonly ScriptModule[], RegExp][] = [
    [[{ name: "x/b.js", text: b }], /x\/b\.js imports \.\/a\.js, which is not before it/],
    [[{ name: "b.js", text: b }, { name: "a.js", text: "" }], /not before it/],
    [[{ name: "b.js", text: 'import "./a.js";\n' }], /b\.js cannot be linked: import "\.\/a\.js"/],
    [[{ name: "b.js", text: "export default 1;\n" }], /b\.js cannot be linked: export default/],
    [[{ name: "b.js", text: "export let a = 1;\n" }], /b\.js cannot be linked: export let/],
  ];
  for (const [modules, message] of cases) assert.throws(() => linkedScript(modules), message);
});
