import assert from "node:assert/strict";
import {
  type Block,
  blocksOf,
  denoDir,
  linkCheckout,
  Shell,
  writeAiotest,
} from "../support/doc_page.ts";
import { clientIdentity } from "../support/certificates.ts";
import { DocService } from "../support/doc_service.ts";
import { PROJECT_ROOT } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

/** Pages whose commands have a test of their own, and folders of such pages. Translations repeat other pages. */
const ELSEWHERE = [
  "README.zh-CN.md",
  "docs/api/",
  "docs/from-",
  "docs/recipes/",
  "docs/running-distributed.md",
  "docs/zh/",
];

const ALL_PAGES = [
  ...pagesIn("").filter((page) => page.startsWith("README")),
  ...pagesIn("docs/"),
];

const PAGES = ALL_PAGES.filter((page) => !ELSEWHERE.some((start) => page.startsWith(start)));

/** The pages of a folder and, but for the project's own, of all folders in it. */
function pagesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${PROJECT_ROOT}/${folder}`)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return folder === "" ? [] : pagesIn(`${folder}${name}/`);
    return name.endsWith(".md") ? [`${folder}${name}`] : [];
  }).sort();
}

async function readBlocks(page: string): Promise<Block[]> {
  return blocksOf(await Deno.readTextFile(`${PROJECT_ROOT}/${page}`));
}

/** A checkout, with an `aiotest` that can be called from anywhere and a test file. */
async function makeCheckout(service: DocService): Promise<string> {
  const folder = await Deno.makeTempDir();
  await linkCheckout(folder);
  await writeAiotest(`${folder}/bin`);
  const test = await Deno.readTextFile(`${PROJECT_ROOT}/examples/basic.ts`);
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    test.replaceAll("127.0.0.1:8000", service.address),
  );
  return folder;
}

/** Enough for every kind of load on the pages to start, and to be reported. */
const RUN_TIME = "1s";

const testPage = sideBySide("the commands of every page work", 2);

for (const page of PAGES) {
  testPage(page, async () => {
    const blocks = await readBlocks(page);
    await using service = new DocService();
    const folder = await makeCheckout(service);
    const shell = new Shell({
      folder,
      path: [`${folder}/bin`],
      env: { DENO_DIR: await denoDir() },
      runTime: RUN_TIME,
      service: service.address,
    });
    try {
      for (const block of blocks) {
        if (block.kind === "code") await shell.write(block);
        else if (block.obstacle === null) await shell.type(block);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** The anchors of the headings of a page. */
function anchorsOf(page: string): string[] {
  const text = page.replaceAll(/^```[^]*?^```$/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.replaceAll(/\[(.*?)\]\(.*?\)/g, "$1").toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("links between pages lead to existing files, and to headings in them", async () => {
  const dead: string[] = [];
  const others = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
  for (const page of [...ALL_PAGES, ...others]) {
    const text = await Deno.readTextFile(`${PROJECT_ROOT}/${page}`);
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const { pathname, hash } = new URL(link!, `file://${PROJECT_ROOT}/${page}`);
      const linked = hash !== "" && pathname.endsWith(".md")
        ? await Deno.readTextFile(decodeURI(pathname)).catch(() => null)
        : await Deno.stat(decodeURI(pathname)).then(() => "", () => null);
      const anchor = decodeURIComponent(hash.slice(1));
      if (linked === null || linked !== "" && !anchorsOf(linked).includes(anchor)) {
        dead.push(`${page}: ${link}`);
      }
    }
  }
  assert.deepEqual(dead, []);
});

Deno.test("the table of contents links to every page", async () => {
  const text = await Deno.readTextFile(`${PROJECT_ROOT}/docs/README.md`);
  // Folders with a table of contents of their own.
  const pages = ALL_PAGES.filter((page) =>
    page.startsWith("docs/") && page !== "docs/README.md" &&
    !/^docs\/(?:api|recipes)\/(?!README)/.test(page)
  );
  const missing = pages.filter((page) => !text.includes(`](${page.slice("docs/".length)})`));
  assert.deepEqual(missing, []);
});

/** The blocks of a page in a language that is no longer seen: without comments. */
async function untranslated(page: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${PROJECT_ROOT}/${page}`);
  return [...text.matchAll(/^```.*\n([^]*?)^```$/gm)].map(([, block]) =>
    block!.replaceAll(/(?:^| +)(?:#|\/\/) .*$/gm, "").trim()
  );
}

for (const page of ALL_PAGES.filter((page) => page.startsWith("docs/zh/"))) {
  Deno.test(`${page} has the code and the commands of its English page`, async () => {
    assert.deepEqual(await untranslated(page), await untranslated(page.replace("zh/", "")));
  });
}

Deno.test("README.zh-CN.md has only code and commands of README.md, in the same order", async () => {
  const blocks = await untranslated("README.zh-CN.md");
  const isIn = new Set(blocks);
  const originals = await untranslated("README.md");
  assert.ok(blocks.length > 10, String(blocks.length));
  assert.deepEqual(blocks, originals.filter((block) => isIn.has(block)));
});

Deno.test("the test files on the pages pass the type check", async () => {
  const folder = await Deno.makeTempDir();
  const names: string[] = [];
  for (const page of ALL_PAGES) {
    const tests = (await readBlocks(page)).filter(isTestFile);
    for (const { text } of tests) {
      const name = `${folder}/${names.length}.ts`;
      await Deno.writeTextFile(name, `// ${page}\n${text}`);
      names.push(name);
    }
  }
  assert.ok(names.length > 5, String(names.length));
  for (const [page, around] of Object.entries(AROUND_FRAGMENTS)) {
    const fragments = (await readBlocks(page)).filter((block) =>
      block.kind === "code" && !isTestFile(block)
    );
    assert.ok(fragments.length > 0, page);
    for (const { text } of fragments) {
      const isOfUser = /\bthis\./.test(text);
      const name = `${folder}/${names.length}.ts`;
      const code = isOfUser ? `class Some extends User { async test() {\n${text}} }` : text;
      await Deno.writeTextFile(name, `// ${page}\n${around}\n${code}`);
      names.push(name);
    }
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--config", `${PROJECT_ROOT}/deno.json`, ...names],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  await Deno.remove(folder, { recursive: true });
});

/** Pages with parts of test files, and what the parts are taken from. */
const AROUND_FRAGMENTS: Readonly<Record<string, string>> = {
  "docs/protocols.md": `import { User } from "aiotest";
    import type { Socket } from "node:net";
    declare const client: { query(text: string): Promise<unknown> };
    declare const insert: string;
    declare const socket: Socket;
    declare function ask(command: string): Promise<string>;`,
  "docs/redis.md": `declare const redis: ReturnType<typeof import("redis").createClient>;`,
  "docs/sharing-data.md": `import { cluster } from "aiotest";`,
  "docs/test-file-from-master.md": "export {};",
};

function isTestFile({ kind, text }: Block): boolean {
  return kind === "code" && text.includes('from "aiotest"') && /^export class/m.test(text);
}

/** Pages whose test files need other services and have tests of their own, or are made by `init`. */
const OTHER_TESTS = ["docs/converting.md", "docs/grpc.md", "docs/websocket.md"];

const testFile = sideBySide("the test files of the pages run", 2);

for (const page of PAGES.filter((page) => !OTHER_TESTS.includes(page))) {
  for (const { heading, text } of (await readBlocks(page)).filter(isTestFile)) {
    const [, name] = /export class (\w+)/.exec(text)!;
    testFile(`${page}, ${heading}: ${name}`, async () => {
      await using service = new DocService();
      const folder = await Deno.makeTempDir();
      await writeData(folder);
      const code = text.replaceAll("127.0.0.1:8000", service.address);
      const visitor = text.includes("User {") ? "" : VISITOR;
      await Deno.writeTextFile(`${folder}/aiotestfile.ts`, `${code}${visitor}`);
      // Somewhere on the network.
      const host = code === text ? ["-H", `http://${service.address}`] : [];
      const options = [...host, "--exit-code-on-error", "0", "--json", "run.json"];
      const run = startAiotest([...options, ...loadOf(text)], { cwd: folder });
      if (text.includes("LoadUserShape")) {
        await Promise.race([service.busy, run.finished]);
        run.kill("SIGINT");
      }
      const ended = await run.finished;
      // This machine may be too slow for the thresholds of a page.
      assert.ok([0, 3].includes(ended.code), `${ended.stdout}${ended.stderr}`);
      const summary = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
      assert.ok(summary.totals.requests > 0);
      assert.deepEqual(summary.userErrors, []);
      await Deno.remove(folder, { recursive: true });
    });
  }
}

/** A small load for a test file that has none. */
function loadOf(text: string): string[] {
  if (text.includes("LoadUserShape")) return [];
  const load = ["-r", "1000", "-t", "20s"];
  const users = /rendezvous\(.*users: (\d+)/.exec(text)?.[1] ?? "6";
  const hasOwn = /static override load = |iterations = /.test(text);
  return [...load, "-u", users, ...hasOwn ? ["-t", "2s"] : ["--iterations", users]];
}

/** For a page that shows only a shape. */
const VISITOR = `
import { FastHttpUser } from "aiotest";
export class VisitorTest extends FastHttpUser {
  async testFrontPage(): Promise<void> {
    await this.session.get("/");
  }
}
`;

/** The files that the pages read. */
async function writeData(folder: string): Promise<void> {
  const accounts = Array.from({ length: 100 }, (_, i) => `user${i},secret${i}`);
  await Deno.writeTextFile(`${folder}/accounts.csv`, `name,password\n${accounts.join("\n")}\n`);
  const { cert, key } = clientIdentity("client");
  await Deno.writeTextFile(`${folder}/client.pem`, cert);
  await Deno.writeTextFile(`${folder}/client.key`, key);
  await Deno.mkdir(`${folder}/certs`);
  for (let i = 0; i < 100; i++) {
    await Deno.writeTextFile(`${folder}/certs/device-${i}.pem`, cert);
    await Deno.writeTextFile(`${folder}/certs/device-${i}.key`, key);
  }
}
