import assert from "node:assert/strict";
import { join } from "node:path";
import {
  importError,
  importTestFile,
  readTestFile,
  testFileHash,
} from "../../src/cli/test_file.ts";
import { UsageError } from "../../src/core/errors.ts";
import { denoHost } from "../../src/core/host.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { NodeCluster } from "../../src/shared/cluster.ts";
import type { UserContext } from "../../src/user/context.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeHost } from "../support/fake_host.ts";
import { projectPath } from "../support/paths.ts";

class TestShop extends User {
  testSearch(): void {}
}

class TestShape extends LoadUserShape {
  override tick(): [number, number] {
    return [1, 1];
  }
}

Deno.test("a test file is found from the working directory, or by its full path", async () => {
  const host = new FakeHost({
    modules: {
      "/home/me/load/shop.ts": () => ({ TestShop }),
      "/other/shop.mjs": () => ({ TestShape }),
    },
  });
  assert.deepEqual(await importTestFile(host, "load/shop.ts", 30), { TestShop });
  assert.deepEqual(await importTestFile(host, "/other/shop.mjs", 30), { TestShape });
});

Deno.test("a missing test file is reported with its full path", async () => {
  await assert.rejects(importTestFile(new FakeHost(), "aiotestfile.ts", 30), {
    name: "UsageError",
    message: "Test file not found: /home/me/aiotestfile.ts",
    hint: "Name a test file with -f, or create a first one with aiotest init.",
  });
});

Deno.test("the name of a test file must end like a module", async () => {
  for (const name of ["shop.py", "shop.tsx", "shop", "shop.ts.bak"]) {
    const host = new FakeHost({ files: { [`/home/me/${name}`]: "" } });
    await assert.rejects(importTestFile(host, name, 30), {
      name: "UsageError",
      message: `/home/me/${name}: the name of a test file must end in .ts, .js, .mts, .mjs`,
    });
  }
  for (const name of ["a.ts", "a.js", "a.mts", "a.mjs"]) {
    const host = new FakeHost({ modules: { [`/home/me/${name}`]: () => ({ name }) } });
    assert.deepEqual(await importTestFile(host, name, 30), { name });
  }
});

Deno.test("a directory is not a test file", async () => {
  const host = new FakeHost({ files: { "/home/me/load/shop.ts": "" } });
  await assert.rejects(importTestFile(host, "load", 30), {
    message: "/home/me/load is a directory",
    hint: "Name a test file in it with -f.",
  });
});

Deno.test("an import that does not end is refused after the limit", async () => {
  for (const limit of [2, 0, Infinity]) {
    const clock = new FakeClock();
    let loaded = (_exports: Record<string, unknown>): void => assert.fail();
    const host = new FakeHost();
    host.importModule = () => new Promise((resolve) => loaded = resolve);
    host.files.set("/home/me/shop.ts", "");
    const outcome = importTestFile(host, "shop.ts", limit, clock).catch((error) => error);
    await clock.advance(1_999);
    await clock.advance(1);
    loaded({ TestShop });
    const result = await outcome;
    if (limit !== 2) assert.deepEqual(result, { TestShop });
    else {
      assert.ok(result instanceof UsageError);
      assert.equal(result.message, "/home/me/shop.ts: the import has not ended after 2 s");
      assert.match(result.hint, /--import-timeout/);
    }
    assert.equal(clock.pending, 0);
  }
});

Deno.test("a test file that throws is refused with its error", async () => {
  const load = (): never => {
    const error = new RangeError("no data");
    error.stack = "RangeError: no data\n    at file:///home/me/shop.ts:3:7";
    throw error;
  };
  await assert.rejects(
    importTestFile(new FakeHost({ modules: { "/home/me/shop.ts": load } }), "shop.ts", 30),
    {
      name: "UsageError",
      exitCode: 2,
      message: "/home/me/shop.ts:3:7: error during import: RangeError: no data",
    },
  );
});

Deno.test("a test file has user classes and at most one shape", () => {
  const plain = readTestFile({ TestShop });
  assert.deepEqual(plain.userClasses.map(({ name }) => name), ["TestShop"]);
  assert.equal(plain.shapeClass, null);

  class Steps extends TestShape {}
  const shaped = readTestFile({ TestShop, TestShape, again: TestShape, Steps });
  assert.deepEqual(shaped.userClasses.map(({ name }) => name), ["TestShop"]);
  assert.equal(shaped.shapeClass, TestShape);
});

Deno.test("two shapes are refused", () => {
  class OtherTest extends TestShape {}
  assert.throws(() => readTestFile({ TestShop, OtherTest, TestShape }), {
    name: "UsageError",
    message: "The test file has more than one shape: OtherTest, TestShape",
  });
});

Deno.test("a shape that cannot be run is refused", () => {
  class TestNoShape extends LoadUserShape {}
  assert.throws(() => readTestFile({ TestShop, TestNoShape }), {
    name: "UsageError",
    exitCode: 2,
    message: "TestNoShape must have a curve, stages or a tick() method.",
  });
});

Deno.test("a test file with nothing but a shape has no user class", () => {
  assert.throws(() => readTestFile({ TestShape }), {
    name: "UsageError",
    message: "The test file has no user class: none of its exports is one\n" +
      "  TestShape: a class, but it does not extend User",
  });
});

Deno.test("measurements of the probe user are discarded, and its signal is aborted", () => {
  let seen: AbortSignal | null = null;
  class TestEager extends TestShop {
    constructor(context: UserContext) {
      super(context);
      seen = this.signal;
      assert.equal(seen.aborted, false);
      this.record({ name: "made", latencyMs: 1 });
    }
  }
  readTestFile({ TestEager });
  assert.equal(seen!.aborted, true);
});

Deno.test("calls of the probe user to shared services are ignored", async () => {
  const cluster = new NodeCluster(new FakeClock());
  const calls: string[] = [];
  cluster.attach({
    node: "local",
    call: ({ service }, _, done) => {
      calls.push(service);
      done({ result: "ok", value: "1" });
      return () => {};
    },
  });
  class TestCounted extends User {
    readonly ready = cluster.counter("made").add();
    testStep(): void {}
  }
  readTestFile({ TestCounted });
  assert.deepEqual(calls, []);
  assert.equal(await cluster.counter("made").add(), 1);
});

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("the hash is the SHA-256 of the text", async () => {
  const files = { "/home/me/a.ts": "abc", "/elsewhere/b.ts": "abc", "/home/me/empty.ts": "" };
  const host = new FakeHost({ files });
  assert.equal(await testFileHash(host, "a.ts"), ABC);
  assert.equal(await testFileHash(host, "/elsewhere/b.ts"), ABC);
  assert.equal(await testFileHash(host, "./empty.ts"), EMPTY);
});

Deno.test("a missing file is an error", async () => {
  await assert.rejects(testFileHash(new FakeHost(), "a.ts"), Deno.errors.NotFound);
});

const WAITS = projectPath("src/user/wait_time.ts");

/** Files that cannot be imported, and what is said of them; `DIR` is the folder they are in. */
const CASES: [file: string, text: string, message: string, hint?: string][] = [
  [
    "syntax.ts",
    "const a = 1;\nexport class { foo( }\n",
    "DIR/syntax.ts:2:14: syntax error: Expected ident\n" +
    "  |\n2 | export class { foo( }\n  |              ~",
  ],
  [
    "twice.ts",
    "export const a = 1;\nlet a = 2;\n",
    "DIR/twice.ts:2:5: syntax error: Identifier 'a' has already been declared",
  ],
  [
    "missing.ts",
    'import "./nowhere.ts";\n',
    'DIR/missing.ts:1:8: import failed: Module not found "DIR/nowhere.ts".',
  ],
  [
    "neighbour.ts",
    '\nimport "./missing.ts";\n',
    'DIR/missing.ts:1:8: import failed: Module not found "DIR/nowhere.ts".',
  ],
  [
    "bare.ts",
    'import left from "leftpadding";\nleft();\n',
    "DIR/bare.ts:1:18: import failed: leftpadding is neither a file nor a known package",
    'To import an npm package, write "npm:leftpadding"; to import a file in the same directory, "./leftpadding".',
  ],
  [
    "k6.ts",
    'import http from "k6/http";\nhttp.get("/");\n',
    "DIR/k6.ts:1:18: import failed: k6/http is part of k6, whose scripts aiotest cannot run",
    "docs/from-k6.md shows what to write instead.",
  ],
  [
    "export.ts",
    'import { z } from "./plain.ts";\nz();\n',
    "DIR/export.ts:1:10: import failed: " +
    "The requested module './plain.ts' does not provide an export named 'z'",
  ],
  [
    "near.ts",
    'import { FastHttpuser } from "aiotest";\nexport class ATest extends FastHttpuser {}\n',
    "DIR/near.ts:1:10: import failed: aiotest does not export FastHttpuser",
    "Did you mean FastHttpUser?",
  ],
  [
    "locust.ts",
    'import { LoadTestShape } from "aiotest";\nexport class ATest extends LoadTestShape {}\n',
    "DIR/locust.ts:1:10: import failed: aiotest does not export LoadTestShape",
    "Did you mean LoadUserShape?",
  ],
  [
    "default.ts",
    'import aiotest from "aiotest";\naiotest();\n',
    "DIR/default.ts:1:8: import failed: aiotest does not export default",
    'aiotest has no default export. Name what you import: import { FastHttpUser } from "aiotest".',
  ],
  [
    "refused.ts",
    'import "http://127.0.0.1:1/x.ts";\n',
    "DIR/refused.ts:1:8: import failed: Import 'http://127.0.0.1:1/x.ts' failed. " +
    "error sending request for url (http://127.0.0.1:1/x.ts): client error (Connect): " +
    "tcp connect error: Connection refused (os error 111)",
  ],
  [
    "throws.ts",
    'function f() {\n  throw new RangeError("too\\nlow");\n}\nf();\n',
    "DIR/throws.ts:2:9: error during import: RangeError: too\nlow",
  ],
  [
    "inside.ts",
    `import { between } from ${JSON.stringify(WAITS)};\nbetween(3, 1);\n`,
    "DIR/inside.ts:2:1: error during import: " +
    "RangeError: between(3, 1): the maximum is below the minimum",
  ],
  [
    "json.ts",
    '\n  JSON.parse("{");\n',
    "DIR/json.ts:2:8: error during import: SyntaxError: " +
    "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ],
  [
    "common.js",
    'const { User } = require("aiotest");\n',
    "DIR/common.js:1:18: error during import: ReferenceError: require is not defined",
    "A test file is an ES module: use import and export.",
  ],
  [
    "empty.ts",
    "throw new TypeError();\n",
    "DIR/empty.ts:1:7: error during import: TypeError",
  ],
  [
    "text.ts",
    'throw "no target";\n',
    "DIR/text.ts: error during import: no target",
  ],
  [
    "colours.ts",
    'const e = new Error("\\x1b[31mred\\x1b[0m");\nthrow e;\n',
    "DIR/colours.ts:1:11: error during import: Error: red",
  ],
];

Deno.test("for modules of other load generators, an error names the page about them", () => {
  for (
    const [name, page] of [
      ["k6", "from-k6.md"],
      ["k6/metrics", "from-k6.md"],
      ["locust", "from-locust.md"],
      ["@gatling.io/core", "from-gatling.md"],
      ["artillery", "from-artillery.md"],
      ["artillery-plugin-expect", "from-artillery.md"],
    ] as const
  ) {
    const text = `Import "${name}" not a dependency and not in import map from "file:///t/a.js"`;
    const thrown = Object.assign(new TypeError(text), { code: "ERR_MODULE_NOT_FOUND" });
    for (const isExecutable of [false, true]) {
      assert.equal(
        importError("/t/a.js", thrown, isExecutable).hint,
        `docs/${page} shows what to write instead.`,
      );
    }
  }
  const k6Like = 'Import "k6-tools" not a dependency and not in import map from "file:///t/a.js"';
  const other = Object.assign(new TypeError(k6Like), { code: "ERR_MODULE_NOT_FOUND" });
  assert.match(importError("/t/a.js", other, false).hint, /"npm:k6-tools"/);
});

Deno.test("the executable says that packages are to be bundled", () => {
  const missing = (message: string): Error =>
    Object.assign(new TypeError(message), { code: "ERR_MODULE_NOT_FOUND" });
  const bundle = /^The executable does not read node_modules .* deno bundle --external aiotest/s;
  const bare = 'Import "pg" not a dependency and not in import map from "file:///t/a.js"';
  const unknown = importError("/t/a.js", missing(bare), true);
  assert.equal(
    unknown.message,
    "/t/a.js: import failed: pg is neither a file nor a known package",
  );
  assert.match(unknown.hint, bundle);
  assert.match(unknown.hint, /"\.\/pg"\.$/);
  const constraint = "Could not find constraint 'pg@8.23.1' in the list of packages.";
  const notEmbedded = importError("/t/a.js", missing(constraint), true);
  assert.equal(
    notEmbedded.message,
    "/t/a.js: import failed: pg@8.23.1 is not part of the executable",
  );
  assert.match(notEmbedded.hint, bundle);
});

for (const [file, text, message, hint = ""] of CASES) {
  Deno.test(`the error message for ${file} names the place in the file`, async () => {
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
