import assert from "node:assert/strict";
import { join } from "node:path";
import { importError } from "../../src/cli/test_file.ts";
import { denoHost } from "../../src/core/host.ts";
import { fromFileUrl } from "../support/paths.ts";

const WAITS = fromFileUrl("../../src/user/wait_time.ts");

/** Files that cannot be imported, and what is said of them; `DIR` is the folder they are in. */
const CASES: [file: string, text: string, message: string, hint?: string][] = [
  [
    "syntax.ts",
    "const a = 1;\nexport class { foo( }\n",
    "DIR/syntax.ts:2:14: a syntax error: Expected ident\n" +
    "  |\n2 | export class { foo( }\n  |              ~",
  ],
  [
    "twice.ts",
    "export const a = 1;\nlet a = 2;\n",
    "DIR/twice.ts:2:5: a syntax error: Identifier 'a' has already been declared",
  ],
  [
    "missing.ts",
    'import "./nowhere.ts";\n',
    'DIR/missing.ts:1:8: an import failed: Module not found "DIR/nowhere.ts".',
  ],
  [
    "neighbour.ts",
    '\nimport "./missing.ts";\n',
    'DIR/missing.ts:1:8: an import failed: Module not found "DIR/nowhere.ts".',
  ],
  [
    "bare.ts",
    'import left from "leftpadding";\nleft();\n',
    "DIR/bare.ts:1:18: an import failed: leftpadding is neither a file nor a package that is known here",
    'For a package of npm, write "npm:leftpadding"; for a file beside this one, "./leftpadding".',
  ],
  [
    "export.ts",
    'import { z } from "./plain.ts";\nz();\n',
    "DIR/export.ts:1:10: an import failed: " +
    "The requested module './plain.ts' does not provide an export named 'z'",
  ],
  [
    "refused.ts",
    'import "http://127.0.0.1:1/x.ts";\n',
    "DIR/refused.ts:1:8: an import failed: Import 'http://127.0.0.1:1/x.ts' failed. " +
    "error sending request for url (http://127.0.0.1:1/x.ts): client error (Connect): " +
    "tcp connect error: Connection refused (os error 111)",
  ],
  [
    "throws.ts",
    'function f() {\n  throw new RangeError("too\\nlow");\n}\nf();\n',
    "DIR/throws.ts:2:9: an error while it was imported: RangeError: too\nlow",
  ],
  [
    "inside.ts",
    `import { between } from ${JSON.stringify(WAITS)};\nbetween(3, 1);\n`,
    "DIR/inside.ts:2:1: an error while it was imported: " +
    "RangeError: between(3, 1): the second is less than the first",
  ],
  [
    "json.ts",
    '\n  JSON.parse("{");\n',
    "DIR/json.ts:2:8: an error while it was imported: SyntaxError: " +
    "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ],
  [
    "empty.ts",
    "throw new TypeError();\n",
    "DIR/empty.ts:1:7: an error while it was imported: TypeError",
  ],
  [
    "text.ts",
    'throw "no target";\n',
    "DIR/text.ts: an error while it was imported: no target",
  ],
  [
    "colours.ts",
    'const e = new Error("\\x1b[31mred\\x1b[0m");\nthrow e;\n',
    "DIR/colours.ts:1:11: an error while it was imported: Error: red",
  ],
];

for (const [file, text, message, hint = ""] of CASES) {
  Deno.test(`what is wrong with ${file} is said in its own terms`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(join(folder, "missing.ts"), 'import "./nowhere.ts";\n');
      await Deno.writeTextFile(join(folder, "plain.ts"), "export const y = 1;\n");
      const path = join(folder, file);
      await Deno.writeTextFile(path, text);
      const thrown: unknown = await denoHost().importModule(path).then(
        () => assert.fail("it was imported"),
        (error) => error,
      );
      const error = importError(path, thrown);
      assert.equal(error.name, "UsageError");
      assert.equal(error.exitCode, 2);
      assert.equal(error.message, message.replaceAll("DIR", folder));
      assert.equal(error.hint, hint);
      assert.equal(error.cause, thrown);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
