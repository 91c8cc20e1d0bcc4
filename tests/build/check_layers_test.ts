import assert from "node:assert/strict";
import {
  checkCycles,
  checkLayers,
  checkScripts,
  checkUnusedExports,
  type DeclaredSymbol,
  type ImportedName,
  layerOf,
  readSources,
  type SourceFile,
} from "../../build/check_layers.ts";

/** A file that exists in tests only. It is empty but for the given parts. */
function madeUpFile(path: string, parts: Partial<SourceFile> = {}): SourceFile {
  return { path, text: "", imports: [], importedNames: [], symbols: [], ...parts };
}

Deno.test("a file of src is in the layer that its first directory names", () => {
  assert.equal(layerOf("src/core/clock.ts"), "core");
  assert.equal(layerOf("src/cli/flags/table.ts"), "cli");
  assert.equal(layerOf("mod.ts"), "mod.ts");
  assert.equal(layerOf("examples/shop.ts"), "examples");
  assert.equal(layerOf("src/core"), null);
  assert.equal(layerOf("src/unknown/clock.ts"), null);
  assert.equal(layerOf("bench/http.ts"), null);
});

Deno.test("a layer may import itself and the layers that the table allows", () => {
  const files = [
    madeUpFile("src/user/loop.ts", { imports: ["src/user/user.ts", "src/http/transport.ts"] }),
    madeUpFile("mod.ts", { imports: ["src/user/user.ts", "src/core/events.ts"] }),
    madeUpFile("src/cli/demo.ts", { imports: ["src/runner/local.ts", "examples/shop.ts"] }),
    madeUpFile("examples/shop.ts", { imports: ["mod.ts"] }),
  ];
  assert.deepEqual(checkLayers(files), []);
});

Deno.test("an import that the table does not allow is a violation", () => {
  const files = [
    madeUpFile("src/core/clock.ts", { imports: ["src/stats/table.ts"] }),
    madeUpFile("src/load/load_profile.ts", {
      imports: ["src/core/errors.ts", "src/user/user.ts"],
    }),
    madeUpFile("mod.ts", { imports: ["src/http/transport.ts"] }),
    madeUpFile("examples/shop.ts", { imports: ["src/user/user.ts"] }),
  ];
  assert.deepEqual(checkLayers(files), [
    { file: "src/core/clock.ts", reason: "imports src/stats/table.ts, which core may not" },
    { file: "src/load/load_profile.ts", reason: "imports src/user/user.ts, which load may not" },
    { file: "mod.ts", reason: "imports src/http/transport.ts, which mod.ts may not" },
    { file: "examples/shop.ts", reason: "imports src/user/user.ts, which examples may not" },
  ]);
});

Deno.test("a layer may not import tests, scripts or mod.ts", () => {
  const imports = ["tests/support/fake_clock.ts", "build/ok.ts", "mod.ts"];
  assert.deepEqual(
    checkLayers([madeUpFile("src/core/clock.ts", { imports })]).map(({ reason }) => reason),
    imports.map((path) => `imports ${path}, which core may not`),
  );
});

Deno.test("a file of src in no layer is a violation, and tests may import anything", () => {
  const files = [
    madeUpFile("src/helpers.ts"),
    madeUpFile("tests/core/clock_test.ts", { imports: ["src/runner/local.ts"] }),
  ];
  assert.deepEqual(checkLayers(files), [
    { file: "src/helpers.ts", reason: "is in no layer" },
  ]);
});

Deno.test("two ways to the same file are no cycle", () => {
  const files = [
    madeUpFile("a.ts", { imports: ["b.ts", "c.ts"] }),
    madeUpFile("b.ts", { imports: ["d.ts"] }),
    madeUpFile("c.ts", { imports: ["d.ts"] }),
    madeUpFile("d.ts"),
  ];
  assert.deepEqual(checkCycles(files), []);
});

Deno.test("a cycle is reported once, with all its files", () => {
  const files = [
    madeUpFile("a.ts", { imports: ["b.ts"] }),
    madeUpFile("b.ts", { imports: ["c.ts"] }),
    madeUpFile("c.ts", { imports: ["b.ts"] }),
  ];
  assert.deepEqual(checkCycles(files), [
    { file: "b.ts", reason: "imports itself: b.ts → c.ts → b.ts" },
  ]);
});

Deno.test("two cycles through one file are both reported", () => {
  const files = [
    madeUpFile("a.ts", { imports: ["b.ts", "c.ts"] }),
    madeUpFile("b.ts", { imports: ["a.ts"] }),
    madeUpFile("c.ts", { imports: ["a.ts"] }),
  ];
  assert.deepEqual(checkCycles(files).map(({ reason }) => reason), [
    "imports itself: a.ts → b.ts → a.ts",
    "imports itself: a.ts → c.ts → a.ts",
  ]);
});

function exported(name: string, ...mentions: string[]): DeclaredSymbol {
  return { name, exported: true, mentions };
}

function importing(from: string, ...names: string[]): {
  imports: string[];
  importedNames: ImportedName[];
} {
  return { imports: [from], importedNames: names.map((name) => ({ local: name, name, from })) };
}

const CLOCK = "src/core/clock.ts";

Deno.test("an export that nothing imports is a violation, and an unused private symbol is not", () => {
  const symbols = [exported("sleep"), { name: "limit", exported: false, mentions: [] }];
  assert.deepEqual(checkUnusedExports([madeUpFile(CLOCK, { symbols })]), [
    { file: CLOCK, reason: "exports sleep, which nothing uses" },
  ]);
});

Deno.test("an import by the product, an example or a benchmark is a use", () => {
  const files = [madeUpFile(CLOCK, { symbols: [exported("sleep")] })];
  for (const path of ["src/user/loop.ts", "mod.ts", "cli.ts", "examples/a.ts", "bench/a.ts"]) {
    const user = madeUpFile(path, importing(CLOCK, "sleep"));
    assert.deepEqual(checkUnusedExports([...files, user]), [], path);
  }
});

Deno.test("an import by tests alone is not a use", () => {
  const files = [
    madeUpFile(CLOCK, { symbols: [exported("sleep")] }),
    madeUpFile("tests/core/clock_test.ts", importing(CLOCK, "sleep")),
  ];
  assert.deepEqual(checkUnusedExports(files), [
    { file: CLOCK, reason: "exports sleep, which only tests use" },
  ]);
});

Deno.test("a test may import a name that its own file uses", () => {
  const symbols = [exported("sleep"), exported("later")];
  const test = madeUpFile("tests/core/clock_test.ts", importing(CLOCK, "sleep", "later"));
  const text = `export function sleep() {}\nexport function later() { return sleep(); }\n`;
  assert.deepEqual(checkUnusedExports([madeUpFile(CLOCK, { symbols, text }), test]), [
    { file: CLOCK, reason: "exports later, which only tests use" },
  ]);
});

Deno.test("a name that only its own file uses need not be exported", () => {
  const text = `export function sleep() {}\nsleep();\n`;
  assert.deepEqual(
    checkUnusedExports([madeUpFile(CLOCK, { symbols: [exported("sleep")], text })]),
    [{ file: CLOCK, reason: "exports sleep, which nothing uses" }],
  );
});

Deno.test("comments and longer names are no use of a name", () => {
  const text = [
    "/** Ends by sleep. */",
    "export function sleep() {}",
    "// sleep() would be wrong here.",
    "sleepily();",
  ].join("\n");
  const files = [
    madeUpFile(CLOCK, { symbols: [exported("sleep")], text }),
    madeUpFile("tests/core/clock_test.ts", importing(CLOCK, "sleep")),
  ];
  assert.deepEqual(checkUnusedExports(files), [
    { file: CLOCK, reason: "exports sleep, which only tests use" },
  ]);
});

Deno.test("import() uses every export, even of a file that is imported by name as well", () => {
  const late =
    `import { sleep } from "../core/clock.ts";\nconst all = import("../core/clock.ts");\n`;
  const files = [
    madeUpFile(CLOCK, { symbols: [exported("sleep"), exported("now")] }),
    madeUpFile("src/cli/main.ts", { ...importing(CLOCK, "sleep"), text: late }),
  ];
  assert.deepEqual(checkUnusedExports(files), []);
});

Deno.test("what the signature of a used symbol mentions is used, across files", () => {
  const files = [
    madeUpFile(CLOCK, { symbols: [exported("Clock", "Timer"), exported("Timer")] }),
    madeUpFile("src/user/user.ts", {
      symbols: [exported("User", "Private"), { name: "Private", exported: false, mentions: ["C"] }],
      imports: [CLOCK],
      importedNames: [{ local: "C", name: "Clock", from: CLOCK }],
    }),
    madeUpFile("mod.ts", importing("src/user/user.ts", "User")),
  ];
  assert.deepEqual(checkUnusedExports(files), []);
});

Deno.test("the signature of an unused symbol uses nothing", () => {
  const symbols = [exported("Clock", "Timer"), exported("Timer")];
  assert.deepEqual(
    checkUnusedExports([madeUpFile(CLOCK, { symbols })]).map(({ reason }) => reason),
    ["exports Clock, which nothing uses", "exports Timer, which nothing uses"],
  );
});

Deno.test("an import without names uses every export of the file", () => {
  const files = [
    madeUpFile(CLOCK, { symbols: [exported("sleep"), exported("now")] }),
    madeUpFile("src/cli/main.ts", { imports: [CLOCK] }),
  ];
  assert.deepEqual(checkUnusedExports(files), []);
});

Deno.test("JavaScript whose types are not checked is a violation", () => {
  const files = [
    { ...madeUpFile("src/web/page/checked.js"), text: "// @ts-check\nexport {};\n" },
    { ...madeUpFile("src/web/page/late.js"), text: "/** */\n// @ts-check\n" },
    { ...madeUpFile("src/core/clock.ts"), text: "export {};\n" },
  ];
  assert.deepEqual(checkScripts(files), [
    { file: "src/web/page/late.js", reason: "does not start with // @ts-check" },
  ]);
});

async function inProject<T>(
  texts: Readonly<Record<string, string>>,
  use: (root: string) => Promise<T>,
): Promise<T> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${root}/deno.json`, `{ "imports": { "whole": "./mod.ts" } }`);
    for (const [path, text] of Object.entries(texts)) {
      await Deno.mkdir(`${root}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    return await use(await Deno.realPath(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("all kinds of imports are read: values, types, import(), re-exports, the import map", async () => {
  const texts = {
    "./mod.ts": `export { a as b } from "./src/a.ts";\nexport * from "./src/types.ts";\n`,
    "src/a.ts": `export const a = 1;\n`,
    "src/types.ts": `export interface T { readonly n: number }\n`,
    "src/user.ts":
      `import type { T } from "./types.ts";\nimport { b } from "whole";\nexport const user: T = { n: b };\n`,
    "src/late.ts": `export const late = (): Promise<unknown> => import("./a.ts");\n`,
  };
  const paths = ["mod.ts", "src/a.ts", "src/late.ts", "src/types.ts", "src/user.ts"];
  await inProject(texts, async (root) => {
    const { files, violations } = await readSources(root, paths);
    assert.deepEqual(violations, []);
    assert.deepEqual(Object.fromEntries(files.map(({ path, imports }) => [path, imports])), {
      "mod.ts": ["src/a.ts", "src/types.ts"],
      "src/a.ts": [],
      "src/late.ts": ["src/a.ts"],
      "src/types.ts": [],
      "src/user.ts": ["src/types.ts", "mod.ts"],
    });
    const [mod, , late, , user] = files;
    assert.deepEqual(mod!.importedNames, [{ local: "b", name: "a", from: "src/a.ts" }]);
    assert.deepEqual(late!.importedNames, []);
    assert.deepEqual(user!.importedNames, [
      { local: "T", name: "T", from: "src/types.ts" },
      { local: "b", name: "b", from: "mod.ts" },
    ]);
    assert.deepEqual(user!.symbols, [{ name: "user", exported: true, mentions: ["T"] }]);
    assert.equal(user!.text, texts["src/user.ts"]);
  });
});

Deno.test("a re-exported name is imported from the file that re-exports it", async () => {
  const texts = {
    "./mod.ts": `export { Face, Other } from "./src/face.ts";\n`,
    "src/face.ts":
      `export { deep as Face } from "./deep.ts";\nclass Own {}\nexport { Own, Own as Other };\n`,
    "src/deep.ts": `export const deep = 1;\n`,
  };
  await inProject(texts, async (root) => {
    const paths = ["mod.ts", "src/deep.ts", "src/face.ts"];
    const { files: [mod, , face] } = await readSources(root, paths);
    assert.deepEqual(mod!.importedNames, [
      { local: "Face", name: "Face", from: "src/face.ts" },
      { local: "Other", name: "Other", from: "src/face.ts" },
    ]);
    assert.deepEqual(face!.importedNames, [{ local: "Face", name: "deep", from: "src/deep.ts" }]);
    assert.deepEqual(face!.symbols.map(({ name }) => name).sort(), ["Face", "Other", "Own"]);
  });
});

Deno.test("an import of a missing file is reported, and the files are read nevertheless", async () => {
  const texts = { "src/a.ts": `export { b } from "./b.ts";\n` };
  await inProject(texts, async (root) => {
    const { files, violations } = await readSources(root, ["src/a.ts"]);
    assert.deepEqual(files.map(({ path }) => path), ["src/a.ts"]);
    assert.equal(violations[0]!.file, "src/b.ts");
    assert.match(violations[0]!.reason, /Module not found/);
  });
});
