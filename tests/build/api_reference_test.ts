import assert from "node:assert/strict";
import { API_GROUPS, type ApiGroup } from "../../build/api_groups.ts";
import { anchorOf, apiPages } from "../../build/api_reference.ts";
import * as api from "../../mod.ts";
import firstFiles from "../../src/cli/first_files.json" with { type: "json" };
import { projectPath } from "../support/paths.ts";

const FOLDER = projectPath("docs/api/");

async function readPages(): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  for await (const { name } of Deno.readDir(FOLDER)) {
    pages.set(name, await Deno.readTextFile(`${FOLDER}${name}`));
  }
  return pages;
}

const PAGES = await readPages();

/** The names that mod.ts exports, types included. */
async function exportedNames(): Promise<string[]> {
  const text = await Deno.readTextFile(projectPath("mod.ts"));
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) =>
    names!.split(",").map((name) => name.replace("type ", "").trim()).filter((name) => name !== "")
  );
}

function headingsOf(page: string): string[] {
  const prose = page.replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!.replaceAll("\\", ""));
}

Deno.test("each export of mod.ts has one section in the reference, and a place in its index", async () => {
  const names = await exportedNames();
  assert.ok(names.length > 100 && Object.keys(api).every((name) => names.includes(name)));
  const sections = [...PAGES.values()].flatMap(headingsOf)
    .flatMap((heading) =>
      /^(?:Class|Interface|Type|Function|Object) (\w+)$/.exec(heading)?.[1] ?? []
    );
  assert.deepEqual(sections.sort(), names.sort());
  const index = PAGES.get("README.md")!;
  assert.deepEqual(names.filter((name) => !index.includes(`- [\`${name}\`](`)), []);
});

Deno.test("each member of each class and interface is in its section", () => {
  const pages = [...PAGES.values()].join("\n");
  const missing: string[] = [];
  let count = 0;
  let owner = "";
  let section = "";
  for (const line of firstFiles["aiotest.d.ts"]) {
    const [, kind, type] = /^export (?:declare )?(class|interface) (\w+)/.exec(line) ?? [];
    if (type !== undefined) {
      owner = type;
      const heading = kind === "class" ? "Class" : "Interface";
      [section = ""] = pages.split(`\n## ${heading} ${type}\n`)[1]!.split("\n## ");
    }
    if (/^\S/.test(line) && type === undefined) owner = "";
    const [, isStatic = "", name] =
      /^ {2}(static )?(?:readonly |get |set )?(\[?[A-Za-z][\w.]*\]?)\??[:(<]/.exec(line) ?? [];
    if (owner === "" || name === undefined) continue;
    count++;
    const items = [`\n- \`${isStatic}${name}`, `\n- <code>${isStatic}${name}`];
    const forms = [
      `\n### ${owner}.${name.replaceAll(/[[\]]/g, "\\$&")}\n`,
      `\n### ${owner}.${name}\n`,
    ];
    if (![...items, ...forms].some((form) => section.includes(form))) {
      missing.push(`${owner}.${name}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(count > 300, String(count));
});

Deno.test("the folder of the reference has the pages of its groups, and nothing else", () => {
  const files = ["README.md", ...API_GROUPS.map(({ file }) => `${file}.md`)];
  assert.deepEqual([...PAGES.keys()].sort(), files.sort());
});

Deno.test("headings of a page differ, so each anchor leads to one", () => {
  for (const [file, page] of PAGES) {
    const anchors = headingsOf(page).map(anchorOf);
    assert.deepEqual(anchors, [...new Set(anchors)], file);
  }
});

Deno.test("all links of the reference lead to pages and headings that exist", async () => {
  const dead: string[] = [];
  let count = 0;
  for (const [file, page] of PAGES) {
    for (const [, path = "", anchor = ""] of page.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
      count++;
      const text = path === ""
        ? page
        : await Deno.readTextFile(`${FOLDER}${path}`).catch(() => null);
      const isFound = text !== null &&
        (anchor === "" || headingsOf(text).map(anchorOf).includes(anchor));
      if (!isFound) dead.push(`${file}: ${path}#${anchor}`);
    }
  }
  assert.deepEqual(dead, []);
  assert.ok(count > 500, String(count));
});

Deno.test("no page has the text of a value that is missing, or a link that was not made", () => {
  for (const [file, page] of PAGES) {
    const prose = page.replaceAll(/^```[^]*?^```$|<code>.*?<\/code>|`[^`]*`/gms, "");
    assert.doesNotMatch(prose, /\bundefined\b|\[object|\{@|^- *$/m, file);
  }
});

const GROUP: ApiGroup = { file: "all", title: "All", about: "All.", guides: ["a.md"], names: [] };

/** The pages of some declarations. */
function pagesOf(types: string, ...names: string[]): Record<string, string> {
  const pages = apiPages({
    types,
    values: { Shop: { limit: 2 * 2 ** 20, wait: Infinity } },
    groups: [{ ...GROUP, names }],
    guide: new Map([["a.md", "# A guide\n"]]),
  });
  return Object.fromEntries(pages.map(({ file, text }) => [file, text]));
}

const SHOP = `
/**
 * A shop. It has a {@link visit}.
 */
export declare class Shop extends Base {
  #private;
  /** Bytes. */
  static limit: number;
  /** Seconds. */
  static wait: number;
  /** Bytes of this one. */
  readonly limit: number;
  private constructor();
  /** Whether it is open. */
  get open(): boolean;
  set open(value: boolean);
  /**
   * Visits it.
   *
   * \`\`\`ts
   * shop.visit();
   * \`\`\`
   *
   * @param url where it is.
   * @returns the number of visits.
   * @throws TypeError if it is closed.
   */
  visit(url: string, { by }?: Options): number;
}
/** The base. */
export declare class Base {
  /** Closes it. */
  close(): void;
}
/** Options. Made by a Shop. */
export interface Options {
  /** By whom. */
  readonly by?: "a" | Options;
}
export {};
`;

Deno.test("a class is shown with its members, their defaults, errors and links", () => {
  const page = pagesOf(SHOP, "Shop", "Base", "Options")["all.md"]!;
  for (
    const part of [
      "The guide: [A guide](../a.md).",
      "## Class Shop\n\n```ts\nclass Shop extends Base\n```\n\nA shop. It has a [`visit`](#shopvisit).\n",
      "Inherits from [`Base`](#class-base): [`close`](#baseclose).",
      "Only aiotest creates objects of this class.",
      "- `static limit: number`: Bytes. Default: `2097152` (2 MiB).\n" +
      "- `static wait: number`: Seconds. Default: `Infinity`.",
      "- `limit: number`: Bytes of this one.\n- `open: boolean`: Whether it is open. It can be set.",
      "### Shop.visit\n\n```ts\nvisit(url: string, options?: Options): number\n```\n\nVisits it.\n",
      "- `url`: where it is.\n- `options`: [`Options`](#interface-options)",
      "Returns the number of visits.",
      "Throws `TypeError` if it is closed.\n\n\n```ts\nshop.visit();\n```",
      '- <code>by?: "a" \\| [Options](#interface-options)</code>: By whom.',
    ]
  ) {
    assert.ok(page.includes(part), `${part}\n\nin\n\n${page}`);
  }
  assert.ok(!page.includes("private"), page);
});

Deno.test("the same declarations give the same pages", () => {
  const names = ["Shop", "Base", "Options"];
  assert.deepEqual(pagesOf(SHOP, ...names), pagesOf(SHOP, ...names));
});

Deno.test("what the reference cannot show is an error that says what to change", () => {
  const one = (comment: string): string =>
    `/** ${comment} */\nexport declare function one(): void;`;
  const wrong: [types: string, names: string[], message: RegExp][] = [
    [one("One."), [], /api_groups\.ts: one: add it to a group/],
    [one("One."), ["one", "two"], /All has two, which mod\.ts does not export/],
    [one("One."), ["one", "one"], /one is in two groups/],
    [`${one("One.")}\ninterface Two {}`, ["one"], /mentions Two, which mod\.ts does not export/],
    [one("See {@link two}."), ["one"], /one: \{@link two\} leads nowhere/],
    [one('\n * ```ts\n * import a from "./a.ts";\n * ```\n'), ["one"], /write from "aiotest"/],
    [one("One.\n * @see two"), ["one"], /one: the API reference does not know the tag @see/],
  ];
  for (const [types, names, message] of wrong) {
    assert.throws(() => pagesOf(types, ...names), message);
  }
});
