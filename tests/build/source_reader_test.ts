import assert from "node:assert/strict";
import { readSources } from "../../build/source_reader.ts";

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

Deno.test("every manner of import is seen: values, types, dynamic ones, re-exports, the map", async () => {
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

Deno.test("a name that was exported again comes from the file that exported it again", async () => {
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

Deno.test("an import of a file that does not exist is told, and the files are read all the same", async () => {
  const texts = { "src/a.ts": `export { b } from "./b.ts";\n` };
  await inProject(texts, async (root) => {
    const { files, violations } = await readSources(root, ["src/a.ts"]);
    assert.deepEqual(files.map(({ path }) => path), ["src/a.ts"]);
    assert.equal(violations[0]!.file, "src/b.ts");
    assert.match(violations[0]!.reason, /Module not found/);
  });
});
