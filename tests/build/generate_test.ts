import assert from "node:assert/strict";
import { commandLinePage, publicTypes } from "../../build/generate.ts";
import { SETTINGS } from "../../src/cli/settings.ts";

const COMMANDS = ["quick", "demo", "init", "control", "history", "compare", "report"];

const PAGE = [
  "# Options",
  "<!-- options of aiotest -->\noutdated\n<!-- end of options -->",
  "between",
  ...COMMANDS.map((command) => `<!-- options of ${command} -->\n<!-- end of options -->`),
  "end",
].join("\n");

Deno.test("the slots of the page are filled, and the rest stays", () => {
  const page = commandLinePage(PAGE);
  assert.ok(page.startsWith("# Options\n<!-- options of aiotest -->\n\n**Test**\n"));
  assert.ok(page.endsWith("\n<!-- end of options -->\nend"));
  assert.ok(page.includes("<!-- end of options -->\nbetween\n<!-- options of quick -->"));
  assert.ok(!page.includes("outdated"));
  assert.equal(commandLinePage(page), page);
});

Deno.test("each option has a row with its default and its meaning", () => {
  const [, ofAiotest = ""] = commandLinePage(PAGE).split("<!--");
  assert.equal(ofAiotest.match(/^\| `-/gm)?.length, Object.keys(SETTINGS).length);
  for (
    const row of [
      "| `-u, --users <N>` | 1 | number of users |",
      "| `-t, --run-time <T>` | no limit | duration of the test: seconds, or a time like 20s, 3m, 1h20m |",
      "| `--master-bind-host <H>` | \\* | address that the master listens on; \\*: all interfaces |",
      "| `--insecure` |  | accept any TLS certificate from the target |",
      "| `--show-users-weight` |  | print the share of each user class as JSON, then exit |",
    ]
  ) {
    assert.ok(ofAiotest.includes(`${row}\n`), row);
  }
});

Deno.test("each command has the flags that its help shows", () => {
  const page = commandLinePage(PAGE);
  const flags: [command: string, row: string][] = [
    ["demo", "| `-u, --users <N>` | 20 | number of users |"],
    ["init", "| `--har <FILE>` | a recording of a browser; -: from standard input |"],
    [
      "control",
      "| `--json [FILE]` | with status: print it as JSON; with report: write the summary |",
    ],
    ["history", "| `--keep-last <N>` | with rm: remove all but the last N runs |"],
    ["compare", "| `--max-regression <P>` | how much worse run B may be (default: 5%) |"],
    ["report", "| `--html <FILE>` | write an HTML report in a single file |"],
  ];
  for (const [command, row] of flags) {
    const [table = ""] = page.split(`<!-- options of ${command} -->`)[1]!.split("<!-- end");
    assert.ok(table.includes(`${row}\n`), `${row} in ${table}`);
    assert.ok(!table.includes("--version") && !table.includes("--config"), command);
  }
});

Deno.test("a page without a slot for a command is an error", () => {
  assert.throws(
    () => commandLinePage("<!-- options of aiotest -->\n<!-- end of options -->"),
    /no slot for the options of quick/,
  );
});

/** The declarations of files, by their paths, without the comment on top. */
async function typesOf(files: Readonly<Record<string, string>>): Promise<string> {
  const text = await publicTypes(
    "mod.ts",
    (path) => Promise.resolve(files[path] ?? assert.fail(path)),
  );
  return text.slice(text.indexOf("\n\n") + 2);
}

Deno.test("declarations keep their comments, and lose their bodies", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { add } from "./src/add.ts";`,
      "src/add.ts": `/**\n * Sums.\n *\n * @module\n */\n\n/** Adds. */\n` +
        `export function add(a: number, b: number): number { return a + b; }\n` +
        `export function other(): void {}\n`,
    }),
    "/** Adds. */\nexport declare function add(a: number, b: number): number;\nexport {};\n",
  );
});

Deno.test("declarations that others mention are included, but not exported", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { wait } from "./a.ts";`,
      "a.ts": `import type { Time } from "./b.ts";\nexport function wait(time: Time): void {}\n`,
      "b.ts": `type Unit = "s" | "ms";\nexport interface Time { readonly unit: Unit; }\n`,
    }),
    [
      "export declare function wait(time: Time): void;",
      "interface Time {\n    readonly unit: Unit;\n}",
      'type Unit = "s" | "ms";',
      "export {};\n",
    ].join("\n"),
  );
});

Deno.test("names are followed through re-exports, which may rename them", async () => {
  const text = await typesOf({
    "mod.ts": `export { Second, Third } from "./a.ts";`,
    "a.ts": `export { First as Second } from "./b.ts";\nclass Third {}\nexport { Third };\n`,
    "b.ts": `export class First {}\n`,
  });
  assert.equal(
    text,
    "export declare class First {\n}\ndeclare class Third {\n}\nexport { First as Second };\nexport {};\n",
  );
});

Deno.test("a constructor with a type that is not public becomes private, without that type", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export { Session } from "./a.ts";`,
      "a.ts": `import { Wire } from "./wire.ts";\nexport class Session {\n  #wire: Wire;\n` +
        `  /** For us. */\n  constructor(wire: Wire) { this.#wire = wire; }\n` +
        `  /** For you. */\n  get(url: string): void {}\n}\n`,
      "wire.ts": `export class Wire {}\n`,
    }),
    "export declare class Session {\n    #private;\nprivate constructor();\n" +
      "    /** For you. */\n    get(url: string): void;\n}\nexport {};\n",
  );
});

Deno.test("internal members are left out, with the types that only they need", async () => {
  assert.equal(
    await typesOf({
      "mod.ts": `export type { Context } from "./a.ts";`,
      "a.ts":
        `import type { Clock } from "./clock.ts";\nexport interface Context {\n  id: number;\n` +
        `  /** @internal */\n  clock: Clock;\n}\n`,
      "clock.ts": `export interface Clock { now(): number; }\n`,
    }),
    "export interface Context {\n    id: number;\n}\nexport {};\n",
  );
});

Deno.test("a type of a package, and two types of one name, are errors", async () => {
  await assert.rejects(
    typesOf({
      "mod.ts": `export { jar } from "./a.ts";`,
      "a.ts": `import type { Jar } from "tough-cookie";\nexport const jar: Jar = null!;\n`,
    }),
    /the public types mention Jar of tough-cookie/,
  );
  await assert.rejects(
    typesOf({
      "mod.ts": `export { a } from "./a.ts";\nexport { b } from "./b.ts";`,
      "a.ts": `interface Same { a: 1 }\nexport function a(): Same { return { a: 1 }; }\n`,
      "b.ts": `interface Same { b: 1 }\nexport function b(): Same { return { b: 1 }; }\n`,
    }),
    /Same is declared in a\.ts and in b\.ts/,
  );
});
