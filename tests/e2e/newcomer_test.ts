/**
 * Somebody who has never seen aiotest, and types what README.md says: from its first line to a report of
 * a test of their own, with nothing on the machine but the executable, or but Node.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { runCommand } from "../../build/project.ts";
import type { Summary } from "../../src/report/summary.ts";
import {
  type Block,
  blocksOf,
  denoDir,
  linkCheckout,
  Shell,
  type ShellOptions,
} from "../support/doc_page.ts";
import { compiledExecutable } from "../support/executable.ts";
import { isMissing } from "../support/machine.ts";
import { lengthOf } from "../support/nightly.ts";
import { PROJECT_ROOT } from "../support/paths.ts";

const LIMIT_S = 5 * 60;

const RUN_SECONDS = lengthOf({ short: 3, full: 10 });

const blocks = blocksOf(await Deno.readTextFile(`${PROJECT_ROOT}/README.md`))
  .filter(({ kind }) => kind === "commands");

/** The first commands under a heading. */
function firstUnder(heading: string): Block {
  return blocks.find((block) => block.heading === heading) ?? assert.fail(`no ${heading}`);
}

/** Programs that every shell has; no Deno among them. */
const COMMON = ["cat", "cp", "env", "sed", "sh", "uname"];

async function linkPrograms(folder: string, names: readonly string[]): Promise<void> {
  await Deno.mkdir(folder);
  for (const name of names) {
    const { stdout } = await runCommand("which", [name]);
    await Deno.symlink(stdout.trim(), `${folder}/${name}`);
  }
}

/** Follows README.md in a fresh folder; `prepare` brings about what is on the machine. */
async function follow(
  who: string,
  prepare: (folder: string) => Promise<Partial<ShellOptions>>,
  walk: (shell: Shell, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const own = await prepare(folder);
    const shell = new Shell({
      folder,
      path: [`${folder}/bin`],
      only: true,
      service: "127.0.0.1:8000",
      runTime: `${RUN_SECONDS}s`,
      ...own,
    });
    const start = performance.now();
    await walk(shell, folder);
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`${who}: ${seconds.toFixed(0)} s from README.md to a report\n`);
    const report: Summary = JSON.parse(await Deno.readTextFile(`${folder}/my-test/report.json`));
    assert.equal(report.exitCode, 0);
    assert.equal(report.users.peak, 10);
    assert.ok(report.totals.requests > 5 * RUN_SECONDS);
    assert.ok(seconds < LIMIT_S, `it takes ${seconds} s`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const executable = await compiledExecutable();

Deno.test({
  name: "a newcomer with only the executable gets a report of a first test in minutes",
  ignore: executable === null,
  fn: async () => {
    await follow("With the executable", async (folder) => {
      await linkPrograms(`${folder}/bin`, COMMON);
      await Deno.symlink(executable!, `${folder}/bin/aiotest`);
      return {};
    }, async (shell, folder) => {
      await shell.type(firstUnder("See it work"));
      const block = firstUnder("Write a test");
      const [init, enter, run, ...others] = block.text.trim().split("\n");
      assert.deepEqual(others, []);
      await shell.type({ ...block, text: `${init}\n${enter}\n` });
      await makePlain(`${folder}/my-test/aiotestfile.ts`);
      await shell.type({ ...block, text: `${run}\n` });
    });
  },
});

/** A runtime before Deno 2.8.2 takes plain JavaScript only, whatever the file is called. */
async function makePlain(path: string): Promise<void> {
  const { stdout } = await runCommand(executable!, ["--version"]);
  const [major = 0, minor = 0, patch = 0] = /deno (\d+)\.(\d+)\.(\d+)/.exec(stdout)!.slice(1)
    .map(Number);
  if (major * 1e6 + minor * 1e3 + patch >= 2_008_002) return;
  const { code, stdout: script, stderr } = await runCommand(Deno.execPath(), ["transpile", path]);
  assert.equal(code, 0, stderr);
  await Deno.writeTextFile(path, script);
}

const nodeMissing = isMissing("npx");

Deno.test({
  name: `a newcomer with only Node gets a report of a first test in minutes${
    nodeMissing ? " (skipped: there is no npx)" : ""
  }`,
  ignore: nodeMissing,
  fn: async (context) => {
    const fetches = blocks.find(({ text }) => text.includes('alias aiotest="npx')) ?? assert.fail();
    const cache = { npm_config_cache: await npmCache(), npm_config_offline: "true" };
    const [, deno] = /npx -y (deno@[\d.]+)/.exec(fetches.text)!;
    const isFetched = await hasFetched(deno!, cache);
    await context.step({
      name: isFetched ? "by README.md" : `skipped: npx has not fetched ${deno} yet`,
      ignore: !isFetched,
      fn: async () => {
        await follow("With Node", async (folder) => {
          await linkPrograms(`${folder}/bin`, [...COMMON, "node", "npx"]);
          await linkCheckout(folder);
          return { env: { ...cache, DENO_DIR: await denoDir() } };
        }, async (shell) => {
          await shell.type(fetches);
          await shell.type(firstUnder("See it work"));
          await shell.type(firstUnder("Write a test"));
        });
      },
    });
  },
});

/**
 * Whether npx can start a Deno from its cache, so that the test does not wait for the registry. Where
 * every tool is required, npx fetches it now; a global installation does not fill the cache.
 */
async function hasFetched(deno: string, cache: Record<string, string>): Promise<boolean> {
  const { code } = await runCommand("npx", ["-y", deno, "--version"], { env: cache });
  if (code === 0 || Deno.env.get("AIOTEST_REQUIRE") === undefined) return code === 0;
  const fetched = await runCommand("npx", ["-y", deno, "--version"]);
  assert.equal(fetched.code, 0, fetched.stderr);
  return true;
}

async function npmCache(): Promise<string> {
  const { stdout } = await runCommand("npm", ["config", "get", "cache"]);
  return stdout.trim();
}
