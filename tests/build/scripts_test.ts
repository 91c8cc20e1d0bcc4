import assert from "node:assert/strict";
import { checkScripts } from "../../build/scripts.ts";
import { inventedFile } from "./invented_file.ts";

Deno.test("JavaScript whose types are not checked is a violation", () => {
  const files = [
    { ...inventedFile("src/web/page/checked.js"), text: "// @ts-check\nexport {};\n" },
    { ...inventedFile("src/web/page/late.js"), text: "/** */\n// @ts-check\n" },
    { ...inventedFile("src/core/clock.ts"), text: "export {};\n" },
  ];
  assert.deepEqual(checkScripts(files), [
    { file: "src/web/page/late.js", reason: "does not begin with // @ts-check" },
  ]);
});
