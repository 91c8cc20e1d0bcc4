/**
 * Pages for people who come from another tool: their files are written into a folder, and their commands
 * run in it, those of the other tool as well as ours.
 *
 * @module
 */

import { delimiter } from "node:path";
import type { Summary } from "../../src/report/summary.ts";
import { blocksOf, writeAiotest } from "./doc_page.ts";
import { PROJECT_ROOT } from "./paths.ts";
import type { Finished } from "./process.ts";

/** A finished run of aiotest. */
export interface AiotestRun extends Finished {
  readonly summary: Summary;
}

/** Milliseconds after which a command is killed. */
const LIMIT_MS = 60_000;

/** A page, and a folder with the files that it shows. */
export class MigrationPage implements AsyncDisposable {
  /** The files: code in any language whose first line is a comment with its name, such as `# shop.py`. */
  readonly folder: string;
  readonly #commands: readonly string[];

  private constructor(folder: string, commands: readonly string[]) {
    this.folder = folder;
    this.#commands = commands;
  }

  /**
   * Reads a page.
   *
   * @param path the page, such as `docs/from-k6.md`.
   * @param target the URL of the server that stands in for the page's `http://127.0.0.1:8000`.
   */
  static async open(path: string, target: string): Promise<MigrationPage> {
    const page = (await Deno.readTextFile(`${PROJECT_ROOT}/${path}`))
      .replaceAll("127.0.0.1:8000", new URL(target).host);
    const folder = await Deno.makeTempDir();
    for (const [, code] of page.matchAll(/^```\w+\n([^]*?)^```$/gm)) {
      const name = /^(?:\/\/|#) (\S+\.\w+)\n/.exec(code!)?.[1];
      if (name !== undefined) await Deno.writeTextFile(`${folder}/${name}`, code!);
    }
    await writeAiotest(`${folder}/.bin`);
    const commands = blocksOf(page).filter(({ kind }) => kind === "commands")
      .flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n"))
      .map((line) => line.replace(/\s+#.*$/, "").replaceAll(/ +/g, " "));
    return new MigrationPage(folder, commands);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  /** The only command of the page that starts with this text. */
  command(start: string): string {
    const found = this.#commands.filter((line) => line.startsWith(start));
    if (found.length !== 1) throw new Error(`${found.length} commands start with "${start}"`);
    return found[0]!;
  }

  /** Runs a command line in the folder, where `aiotest` runs the sources. */
  async run(line: string, env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", `exec ${line}`],
      cwd: this.folder,
      env: {
        NO_COLOR: "1",
        AIOTEST_NO_WEB: "1",
        AIOTEST_NO_HISTORY: "1",
        PATH: [`${this.folder}/.bin`, Deno.env.get("PATH")].join(delimiter),
        ...env,
      },
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Runs a command line of aiotest, and reads the summary that it writes. */
  async runAiotest(
    line: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<AiotestRun> {
    const own = / --json (\S+)/.exec(line)?.[1];
    const file = `${this.folder}/${own ?? ".summary.json"}`;
    const finished = await this.run(line, { AIOTEST_JSON: file, ...env });
    const summary = await Deno.readTextFile(file).then(JSON.parse, () => {
      throw new Error(`"${line}" wrote no summary:\n${finished.stdout}${finished.stderr}`);
    });
    return { ...finished, summary };
  }
}
