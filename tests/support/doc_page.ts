/**
 * Pages for people, as their readers use them: code is put into files, commands are typed into a shell.
 *
 * @module
 */

import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { runCommand } from "../../build/project.ts";
import { steadyPort } from "./machine.ts";
import { PROJECT_ROOT } from "./paths.ts";

/** A piece of code or of commands in a page. */
export interface Block {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly kind: "commands" | "code";
  readonly text: string;
  /** The reason in a comment why it cannot run here, such as `needs Docker`; null if it can. */
  readonly obstacle: string | null;
  /** Whether a comment says that its last command fails. */
  readonly fails: boolean;
}

/** All commands and all TypeScript of a page, in their order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const parts = page.matchAll(/^#+ (?<heading>.+)$|^```(?<language>\w+).*\n(?<text>[^]*?)^```$/gm);
  let heading = "";
  for (const { groups } of parts) {
    heading = groups?.heading ?? heading;
    const { language, text } = groups!;
    if (text === undefined || !["sh", "console", "ts"].includes(language!)) continue;
    const kind = language === "ts" ? "code" : "commands";
    const obstacle = /^# ((?:needs|takes|runs until) .+)$/m.exec(text)?.[1] ?? null;
    blocks.push({ heading, kind, text, obstacle, fails: /^# fails\b/m.test(text) });
  }
  return blocks;
}

/** What commands are typed into. */
export interface ShellOptions {
  readonly folder: string;
  /** Folders with programs, before those that are there anyway; or all that there are, with `only`. */
  readonly path: readonly string[];
  readonly only?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** What stands in for the page's service on port 8000: its host and port. */
  readonly service: string;
  /** What every run takes instead of what the page says, as `2s`. */
  readonly runTime: string;
}

/** Puts into a folder what its owner would have in a checkout, as far as aiotest needs it. */
export async function linkCheckout(folder: string): Promise<void> {
  for (const name of ["cli.ts", "mod.ts", "src", "examples", "deno.json", "deno.lock"]) {
    await Deno.symlink(`${PROJECT_ROOT}/${name}`, `${folder}/${name}`);
  }
}

/** Where the packages are that Deno has fetched: a shell with a HOME of its own has to be told. */
export async function denoDir(): Promise<string> {
  const { stdout } = await runCommand(Deno.execPath(), ["info", "--json"]);
  return JSON.parse(stdout).denoDir;
}

/** Starts the aiotest of this checkout, as the alias of the README does. */
const START_AIOTEST =
  `exec "${Deno.execPath()}" run -A --no-lock --quiet "${PROJECT_ROOT}/cli.ts" "$@"`;

/** Puts a program `aiotest` into a folder, which is made. It starts the aiotest of this checkout. */
export async function writeAiotest(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const script = `#!/bin/sh\n${START_AIOTEST}\n`;
  await Deno.writeTextFile(`${folder}/aiotest`, script, { mode: 0o755 });
}

/** A program that starts the aiotest of this checkout, as its executable would: with no cache of its own. */
export async function aiotestScript(): Promise<string> {
  return `#!/bin/sh
export DENO_DIR="${await denoDir()}" AIOTEST_NO_HISTORY=1 AIOTEST_NO_WEB=1
${START_AIOTEST}
`;
}

/** Milliseconds in which every command has to be over. */
const LIMIT_MS = 90_000;

/** One reader's shell: what is set, entered and defined in one command holds for the next. */
export class Shell {
  readonly #options: ShellOptions;
  readonly #port = String(steadyPort());
  readonly #before: string[] = [];

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Puts code into the file that its first line names; other code is for looking at. */
  async write({ text }: Block): Promise<void> {
    const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1];
    if (name === undefined) return;
    await Deno.writeTextFile(`${this.#options.folder}/.page`, this.#here(text));
    await this.#finish(this.#start(`cp "${this.#options.folder}/.page" ${name}`), 0);
  }

  /** Types the commands, one after the other; all those of a cluster run together. */
  async type({ text, fails }: Block): Promise<void> {
    const lines = text.replaceAll("\\\n", " ").split("\n")
      .map((line) => line.replace(/\s+#.*$/, ""))
      .filter((line) => line.trim() !== "" && !line.startsWith("#"));
    if (lines.some((line) => line.includes("--master "))) return await this.#typeCluster(lines);
    for (const line of lines) {
      if (/^(cd|export|alias) /.test(line)) this.#before.push(line);
      else await this.#typeOne(line, fails && line === lines.at(-1) ? 1 : 0);
    }
  }

  async #typeOne(line: string, code: number): Promise<void> {
    await this.#finish(this.#start(line), code);
  }

  async #typeCluster(lines: readonly string[]): Promise<void> {
    const all = lines.map((line) => this.#start(line));
    try {
      for (const running of all) await this.#finish(running, 0);
    } finally {
      for (const running of all) signal(running, "SIGKILL");
    }
  }

  #start(line: string): Running {
    const { folder, path, only = false, env = {} } = this.#options;
    const here = this.#shortened(this.#here(line));
    const child = new Deno.Command("/bin/sh", {
      // The shell ignores the interrupt and waits for its command.
      args: ["-c", ["trap : INT", ...this.#before.map((one) => this.#here(one)), here].join("\n")],
      cwd: folder,
      clearEnv: only,
      env: {
        HOME: folder,
        NO_COLOR: "1",
        // Tests run at once, and there is one port for a dashboard.
        AIOTEST_NO_WEB: "1",
        // The pages say what is kept elsewhere.
        CI: "",
        AIOTEST_RUN_TIME: this.#options.runTime,
        PATH: [...path, ...(only ? [] : [Deno.env.get("PATH") ?? ""])].join(delimiter),
        ...this.#ownPort(line),
        ...env,
      },
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return running(line, child);
  }

  async #finish(running: Running, expected: number): Promise<void> {
    const { line } = running;
    const timer = setTimeout(() => signal(running, "SIGKILL"), LIMIT_MS);
    const code = await running.code;
    clearTimeout(timer);
    assert.equal(code, expected, `${line}: exit code ${code}\n${running.said}`);
  }

  /** What a page says of its own machines and services, for this one. */
  #here(text: string): string {
    return text.replaceAll("127.0.0.1:8000", this.#options.service)
      .replaceAll(/192\.168\.0\.\d+/g, "127.0.0.1");
  }

  #shortened(line: string): string {
    return line.replace(/ (-t|--run-time) \d+[smh]\b/, ` $1 ${this.#options.runTime}`);
  }

  /** Keeps a master from everybody else's port. */
  #ownPort(line: string): Record<string, string> {
    if (line.includes("--worker")) return { AIOTEST_MASTER_PORT: this.#port };
    if (!line.includes("--master ")) return {};
    return { AIOTEST_MASTER_BIND_HOST: "127.0.0.1", AIOTEST_MASTER_BIND_PORT: this.#port };
  }
}

/** A command that has been typed. */
interface Running {
  readonly line: string;
  readonly child: Deno.ChildProcess;
  /** What it has printed so far. */
  said: string;
  /** Its exit code, once all its output has been read. */
  readonly code: Promise<number>;
}

function running(line: string, child: Deno.ChildProcess): Running {
  const command = { line, child, said: "" };
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) command.said += text;
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  return Object.assign(command, { code: ended.then(([{ code }]) => code) });
}

/** Tells a command and all that it has started, unless they have ended. */
function signal({ child }: Running, name: Deno.Signal): void {
  try {
    Deno.kill(-child.pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
