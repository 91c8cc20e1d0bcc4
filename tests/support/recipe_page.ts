/**
 * Pages of docs/recipes, as their readers use them: each shows a file of examples/, and the commands that run
 * it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { delimiter } from "node:path";
import type { Summary } from "../../src/report/summary.ts";
import { type Block, blocksOf, writeAiotest } from "./doc_page.ts";
import { projectPath } from "./paths.ts";
import type { Finished } from "./process.ts";

/** Milliseconds after which a command is killed. */
const LIMIT_MS = 90_000;

/** How the commands of a page are run. */
export interface RecipeOptions {
  /** What stands in for addresses of the page, such as `127.0.0.1:8000` for its service. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Which of the page's commands; by default, the first one. */
  readonly command?: number;
  /** Flags that are added to the command. */
  readonly flags?: readonly string[];
}

/** What a command of a page ended with. */
export interface RecipeRun extends Finished {
  readonly summary: Summary;
  /** Requests and failures by method and name, such as `GET /orders`: `[20, 0]`. */
  readonly counted: Readonly<Record<string, readonly [requests: number, failures: number]>>;
}

/** The pages of recipes, without their index. */
export function recipePages(): string[] {
  return [...Deno.readDirSync(projectPath("docs/recipes"))].map(({ name }) => name)
    .filter((name) => name !== "README.md").sort();
}

/** The text of a page. */
export function recipeText(page: string): Promise<string> {
  return Deno.readTextFile(projectPath(`docs/recipes/${page}`));
}

/** The commands of a page that can be run here, each with the lines that belong to it. */
export async function recipeCommands(page: string): Promise<string[]> {
  const canRun = ({ kind, obstacle }: Block): boolean => kind === "commands" && obstacle === null;
  return blocksOf(await recipeText(page)).filter(canRun).map(({ text }) => text.trim());
}

/** A folder as readers of the pages have it: with examples/, and an `aiotest` that can be called. */
export class RecipeFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<RecipeFolder> {
    const path = await Deno.makeTempDir();
    await Deno.symlink(projectPath("examples"), `${path}/examples`);
    await writeAiotest(`${path}/bin`);
    return new RecipeFolder(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }

  /** Types commands into a shell that ends with the first one that fails. */
  async type(text: string, env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-ec", text],
      cwd: this.path,
      env: {
        NO_COLOR: "1",
        AIOTEST_NO_WEB: "1",
        AIOTEST_NO_HISTORY: "1",
        PATH: [`${this.path}/bin`, Deno.env.get("PATH") ?? ""].join(delimiter),
        ...env,
      },
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** The summary of a run, whose file has this name. */
  async summary(name: string): Promise<Summary> {
    return JSON.parse(await Deno.readTextFile(`${this.path}/${name}`));
  }
}

/** Runs a command of a page, whatever its exit code is. */
export async function runRecipe(page: string, options: RecipeOptions): Promise<RecipeRun> {
  const { addresses, env = {}, command = 0, flags = [] } = options;
  const text = (await recipeCommands(page))[command];
  assert.ok(text !== undefined, `${page} has no command ${command}`);
  await using folder = await RecipeFolder.make();
  const json = "recipe.json";
  const line = [withAddresses(text, addresses), ...flags].join(" ");
  const finished = await folder.type(line, { AIOTEST_JSON: json, ...env });
  const summary = await folder.summary(json).catch(() => {
    throw new Error(`${page}: no summary\n${finished.stdout}${finished.stderr}`);
  });
  const counted = Object.fromEntries(
    summary.requests.map(({ method, name, requests, failures }) => [
      `${method} ${name}`,
      [requests, failures] as const,
    ]),
  );
  return { ...finished, summary, counted };
}

/** A text of a page with the addresses of this machine. */
export function withAddresses(text: string, addresses: Readonly<Record<string, string>>): string {
  let here = text;
  for (const [there, address] of Object.entries(addresses)) {
    here = here.replaceAll(there, address);
  }
  return here;
}

/** That a run passed, and that nothing of it is missing from its counts. */
export function assertPassed(run: RecipeRun): void {
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.deepEqual(run.summary.userErrors, []);
  assert.equal(run.summary.totals.unfinished.count, 0);
  assert.equal(run.summary.complete, true);
}
