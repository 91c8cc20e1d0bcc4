import assert from "node:assert/strict";
import { filesOfPattern, localImports, testBundle } from "../../src/cli/test_bundle.ts";
import type { FileBundle } from "../../src/cluster/files.ts";
import { UsageError } from "../../src/core/errors.ts";
import { FakeHost } from "../support/fake_host.ts";

const MIB = 1024 * 1024;

/** A machine with these files, by their names in the folder `/home/me`. */
function machine(files: Readonly<Record<string, string>>): FakeHost {
  const entries = Object.entries(files).map(([name, text]) => [`/home/me/${name}`, text]);
  return new FakeHost({ files: Object.fromEntries(entries) });
}

function bundleOf(host: FakeHost, path = "shop.ts", files?: unknown): Promise<FileBundle> {
  return testBundle(host, path, files === undefined ? {} : { files });
}

function namesOf({ list }: FileBundle): string[] {
  return list.files.map(({ path }) => path);
}

async function refusal(host: FakeHost, files?: unknown): Promise<string> {
  try {
    await bundleOf(host, "shop.ts", files);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error("it was taken");
}

Deno.test("imported modules are included recursively, each once", async () => {
  const host = machine({
    "shop.ts": `import "./lib/a.ts"; import "npm:x"; import "./data.json" with { type: "json" };`,
    "lib/a.ts": `export * from "./deep/b.ts"; import "../shop.ts";`,
    "lib/deep/b.ts": `const c = await import("../a.ts?again"); import("./not there.ts");`,
    "data.json": `{ "text": "import './lib/other.ts'" }`,
    "lib/other.ts": "",
  });
  const bundle = await bundleOf(host);
  assert.deepEqual(namesOf(bundle), ["data.json", "lib/a.ts", "lib/deep/b.ts", "shop.ts"]);
  assert.deepEqual([bundle.list.entry, bundle.list.origin], ["shop.ts", "/home/me"]);
});

Deno.test("modules outside the test file's folder are included", async () => {
  const host = machine({
    "tests/load/shop.ts": `import "../../lib/a.ts";`,
    "lib/a.ts": "",
  });
  const bundle = await bundleOf(host, "tests/load/shop.ts");
  assert.deepEqual(namesOf(bundle), ["lib/a.ts", "tests/load/shop.ts"]);
  assert.deepEqual([bundle.list.entry, bundle.list.origin], ["tests/load/shop.ts", "/home/me"]);
});

Deno.test("data files may be in the working directory, if the test file's folder has none", async () => {
  const host = machine({
    "tests/load/shop.ts": "",
    "tests/load/users.csv": "1",
    "users.csv": "2",
    "data/a.json": "3",
    "data/b.json": "4",
  });
  const bundle = await bundleOf(host, "tests/load/shop.ts", ["users.csv", "data/*.json"]);
  assert.deepEqual(namesOf(bundle), [
    "data/a.json",
    "data/b.json",
    "tests/load/shop.ts",
    "tests/load/users.csv",
  ]);
  await assert.rejects(
    bundleOf(host, "tests/load/shop.ts", ["none.*"]),
    new UsageError('files: no file matches "none.*" in /home/me/tests/load or /home/me'),
  );
});

Deno.test("data files of the test file are included", async () => {
  const host = machine({
    "shop.ts": "",
    "accounts.csv": "1",
    "data/a.json": "2",
    "data/b.json": "3",
    "secret.txt": "4",
  });
  const files = ["accounts.csv", "data/*.json", "data/a.json"];
  const bundle = await bundleOf(host, "shop.ts", files);
  assert.deepEqual(namesOf(bundle), ["accounts.csv", "data/a.json", "data/b.json", "shop.ts"]);
  assert.equal(new TextDecoder().decode(bundle.chunk(0)), "123");
});

Deno.test("the hash depends on every file", async () => {
  const files = { "shop.ts": `import "./lib.ts"; /* files */`, "lib.ts": "1", "data.csv": "1" };
  const hashOf = async (changes: Readonly<Record<string, string>>): Promise<string> =>
    (await bundleOf(machine({ ...files, ...changes }), "shop.ts", ["data.csv"])).hash;
  const hash = await hashOf({});
  assert.equal(await hashOf({ "other.txt": "1" }), hash);
  assert.notEqual(await hashOf({ "lib.ts": "2" }), hash);
  assert.notEqual(await hashOf({ "data.csv": "2" }), hash);
});

Deno.test("files that are not a list of paths are refused", async () => {
  const host = machine({ "shop.ts": "" });
  for (const files of ["accounts.csv", [1], {}, null]) {
    assert.equal(
      await refusal(host, files),
      'Invalid "files" in the test file: expected a list of paths',
    );
  }
});

Deno.test("a link that leads out of the folder is refused", async () => {
  const host = machine({ "shop.ts": "", "accounts.csv": "" });
  host.links.set("/home/me/accounts.csv", "/home/me2/accounts.csv");
  assert.equal(
    await refusal(host, ["accounts.csv"]),
    "files: /home/me/accounts.csv is a link to a file outside /home/me",
  );
  host.links.set("/home/me/accounts.csv", "/home/me/real.csv");
  assert.deepEqual(namesOf(await bundleOf(host, "shop.ts", ["accounts.csv"])), [
    "accounts.csv",
    "shop.ts",
  ]);
});

Deno.test("links inside a folder that is itself a link are followed", async () => {
  const host = machine({ "shop.ts": "", "accounts.csv": "" });
  host.links.set("/home/me/shop.ts", "/data/me/shop.ts");
  host.links.set("/home/me/accounts.csv", "/data/me/accounts.csv");
  assert.equal((await bundleOf(host, "shop.ts", ["accounts.csv"])).list.files.length, 2);
});

Deno.test("too large files are refused before they are read", async () => {
  const host = machine({ "shop.ts": "", "big.bin": "" });
  host.sizes.set("/home/me/big.bin", 100 * MIB);
  host.readFile = (path) => {
    assert.notEqual(path, "/home/me/big.bin");
    return Promise.resolve(new Uint8Array(0));
  };
  assert.equal(
    await refusal(host, ["big.bin"]),
    "The test file cannot be sent to workers: /home/me/big.bin (105 MB) brings the total to 105 MB; " +
      "the limit is 64 MiB",
  );
});

Deno.test("too many files are refused", async () => {
  const names = Array.from({ length: 1000 }, (_, i) => [`data/${i}.json`, ""]);
  const host = machine({ "shop.ts": "", ...Object.fromEntries(names) });
  assert.match(
    await refusal(host, ["data/*"]),
    /^The test file cannot be sent to workers: .* is one file too many; the limit is 1000 files$/,
  );
});

Deno.test("a name that some systems do not allow is refused", async () => {
  const host = machine({ "shop.ts": "", "a:b.csv": "" });
  assert.equal(
    await refusal(host, ["*.csv"]),
    'The test file cannot be sent to workers: "a:b.csv" has a character that some systems do not allow',
  );
});

Deno.test("a file that cannot be read is reported", async () => {
  const host = machine({ "shop.ts": "" });
  host.readFile = () => Promise.reject(new Deno.errors.PermissionDenied("not yours"));
  assert.equal(
    await refusal(host),
    "The test file cannot be sent to workers: cannot read /home/me/shop.ts: PermissionDenied: not yours",
  );
});

Deno.test("every kind of local import is found", () => {
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

Deno.test("packages, URLs and absolute paths are not local imports", () => {
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

Deno.test("text that only looks like an import is not found", () => {
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

Deno.test("imports after strings, templates, comments and regular expressions are found", () => {
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

Deno.test("each import is found once, and none in an empty text", () => {
  assert.deepEqual(localImports(`import "./a.ts"; export * from "./a.ts";`), ["./a.ts"]);
  assert.deepEqual(localImports(""), []);
  assert.deepEqual(localImports("`${`${"), []);
});

Deno.test("a long text with unclosed literals does not take long", () => {
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

const FOLDER = "/home/me/load";

const host = new FakeHost({
  files: Object.fromEntries(
    [
      ...["shop.ts", "accounts.csv", "a+b.txt", ".env", "data/a.json", "data/b.json", "data/c.csv"],
      ...["data/deep/d.json", "data/deep/er/e.json", "data/.git/f.json", "../outside.csv"],
    ].map((name) => [`${FOLDER}/${name}`, ""]),
  ),
});

async function found(pattern: string): Promise<string[]> {
  const paths = await filesOfPattern(host, [FOLDER], pattern);
  return paths.map((path) => path.slice(FOLDER.length + 1)).sort();
}

Deno.test("names match themselves, * and ? match other characters", async () => {
  assert.deepEqual(await found("accounts.csv"), ["accounts.csv"]);
  assert.deepEqual(await found("./data/a.json"), ["data/a.json"]);
  assert.deepEqual(await found("data/*.json"), ["data/a.json", "data/b.json"]);
  assert.deepEqual(await found("data/?.*"), ["data/a.json", "data/b.json", "data/c.csv"]);
  assert.deepEqual(await found("*/c.csv"), ["data/c.csv"]);
  assert.deepEqual(await found("a+?.txt"), ["a+b.txt"]);
});

Deno.test("** matches any number of folders", async () => {
  assert.deepEqual(await found("**/*.json"), [
    "data/a.json",
    "data/b.json",
    "data/deep/d.json",
    "data/deep/er/e.json",
  ]);
  assert.deepEqual(await found("data/**/e.json"), ["data/deep/er/e.json"]);
  assert.deepEqual(await found("data/deep/**"), ["data/deep/d.json", "data/deep/er/e.json"]);
});

Deno.test("a hidden file is found only by its name", async () => {
  assert.deepEqual(await found(".env"), [".env"]);
  assert.deepEqual(await found(".e*"), [".env"]);
  assert.equal((await found("*")).includes(".env"), false);
});

Deno.test("a name that leads out of the folder is refused", async () => {
  const outside = ["../outside.csv", "data/../../outside.csv", "/etc/passwd", "", "data//a.json"];
  for (const pattern of [...outside, "C:/a.csv", "data\\a.json", "*/../../x"]) {
    await assert.rejects(found(pattern), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^files: ".*" is not a path inside the test file's folder$/);
      return true;
    });
  }
});

Deno.test("a pattern without a file is refused", async () => {
  for (const pattern of ["none.csv", "data/*.txt", "data", "none/**"]) {
    await assert.rejects(
      found(pattern),
      new RegExp(`^UsageError: files: no file matches .* in ${FOLDER}$`),
    );
  }
});
