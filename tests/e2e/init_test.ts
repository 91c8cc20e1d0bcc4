import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

/** Everything that `deno` does in the folder, it does without a network. */
async function deno(folder: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await runCommand(Deno.execPath(), args, { cwd: folder });
  assert.equal(code, 0, `deno ${args.join(" ")}: ${stderr}`);
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the files of init pass deno check, and the test passes unchanged", async () => {
  await inFolder(async (folder) => {
    const init = await runAiotest(["init", "shop"], { cwd: folder });
    assert.equal(init.code, 0, init.stderr);
    const [, command] = /\n {2}aiotest (.*)\n$/.exec(init.stdout)!;
    const shop = `${folder}/shop`;
    await deno(shop, "check", "--no-remote", "--no-npm", "aiotestfile.ts");
    await deno(shop, "lint");
    // `deno fmt` changes nothing, apart from the line width.
    await deno(shop, "fmt", "--check", "--line-width", "100");

    const args = command!.split(" ").map((arg) => arg === "10s" ? "2s" : arg);
    const run = await runAiotest([...args, "--json", "report.json"], { cwd: shop });
    assert.equal(run.code, 0, run.stderr);
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${shop}/report.json`));
    assert.deepEqual(
      summary.requests.map(({ method, name }) => `${method} ${name}`).sort(),
      ["GET search", "POST /login", "POST /orders"],
    );
    assert.equal(summary.totals.failures, 0);
    assert.equal(summary.users.peak, 10);
    assert.equal(summary.requests.find(({ name }) => name === "/login")?.requests, 10);
  });
});

Deno.test("with --host, the test of init is for another service", async () => {
  await inFolder(async (folder) => {
    const paths = new Set<string>();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        paths.add(new URL(request.url).pathname);
        return Response.json({ token: "t", found: 3 });
      },
    );
    assert.equal((await runAiotest(["init"], { cwd: folder })).code, 0);
    const host = `http://127.0.0.1:${server.addr.port}`;
    const run = await runAiotest(["-H", host, "-u", "5", "-r", "10", "-t", "3s"], { cwd: folder });
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual([...paths].sort(), ["/login", "/orders", "/search"]);
  });
});

Deno.test("a second init names the existing file, and changes nothing", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/deno.json`, "{}");
    const { code, stdout, stderr } = await runAiotest(["init"], { cwd: folder });
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /\/deno\.json already exists, and init does not overwrite files\n/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["deno.json"]);
    assert.equal(await Deno.readTextFile(`${folder}/deno.json`), "{}");
  });
});

Deno.test("the types of init accept every example, as mod.ts does", async () => {
  await inFolder(async (folder) => {
    assert.equal((await runAiotest(["init"], { cwd: folder })).code, 0);
    const { imports } = JSON.parse(await Deno.readTextFile(projectPath("deno.json")));
    // What the example imports beside aiotest is not what this is about.
    const map = { imports: { ...imports, aiotest: "./aiotest.d.ts" } };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(map));
    const examples = [...Deno.readDirSync(projectPath("examples"))].map(({ name }) => name)
      .filter((name) => name.endsWith(".ts"));
    for (const name of examples) {
      await Deno.copyFile(projectPath(`examples/${name}`), `${folder}/${name}`);
    }
    await deno(folder, "check", ...examples);
  });
});

Deno.test("the types of init reject what mod.ts rejects", async () => {
  await inFolder(async (folder) => {
    assert.equal((await runAiotest(["init"], { cwd: folder })).code, 0);
    const wrong = [
      `import { nothing } from "aiotest";`,
      `import { HttpUser } from "aiotest"; export class A extends HttpUser { static override waitTime = "1"; }`,
      `import type { Session } from "aiotest"; export const f = (s: Session) => s.get("/", { json: 1, retry: 2 });`,
      `import { FastHttpUser } from "aiotest"; export class A extends FastHttpUser { override id = "x"; }`,
    ];
    const names = wrong.map((_text, index) => `wrong_${index}.ts`);
    for (const [index, text] of wrong.entries()) {
      await Deno.writeTextFile(`${folder}/${names[index]}`, `${text}\n`);
    }
    for (const config of [`${folder}/deno.json`, projectPath("deno.json")]) {
      const args = ["check", "--no-lock", "--config", config, ...names];
      const { stderr } = await runCommand(Deno.execPath(), args, { cwd: folder });
      const places = [...stderr.matchAll(/wrong_\d\.ts/g)].map(([name]) => name);
      assert.deepEqual([...new Set(places)].sort(), names, stderr);
    }
  });
});
