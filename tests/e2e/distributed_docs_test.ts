import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { assertEqualCounts, CountingTarget } from "../support/counting_target.ts";
import { writeAiotest } from "../support/doc_page.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("the commands of docs/running-distributed.md", 2);

const PAGE = projectPath("docs/running-distributed.md");

/** Commands of the page that belong to one run, line by line. */
type Scene = string[];

/** All commands of the page. A block that starts no run belongs to the previous one. */
function scenesOf(page: string): Scene[] {
  const scenes: Scene[] = [];
  for (const [, block] of page.matchAll(/^```(?:sh|console)\n([^]*?)^```$/gm)) {
    const lines = block!.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    if (lines.some(beginsRun)) scenes.push([]);
    assert.ok(scenes.length > 0, `workers before any master: ${block}`);
    scenes.at(-1)!.push(...lines);
  }
  return scenes;
}

function beginsRun(line: string): boolean {
  return isMaster(line) && !line.includes("--resume");
}

function isMaster(line: string): boolean {
  return line.startsWith("aiotest ") && !line.includes("--worker");
}

function expectedWorkers(scene: Scene): number {
  const text = /--expect-workers (\d+)/.exec(scene.join("\n"))?.[1];
  return text === undefined ? navigator.hardwareConcurrency : Number(text);
}

/** A folder with a test file, and an `aiotest` that can be called from there. */
async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.copyFile(projectPath("tests/e2e/fixtures/visits.ts"), `${folder}/aiotestfile.ts`);
  await writeAiotest(folder);
  return folder;
}

interface Running {
  readonly line: string;
  readonly child: Deno.ChildProcess;
  /** What it has written to standard error by now. */
  readonly log: { readonly text: string };
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
}

async function collect(stream: ReadableStream<Uint8Array>, into: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) into.text += decoder.decode(chunk, { stream: true });
}

async function tells({ line, log }: Running, text: string): Promise<void> {
  for (let waits = 0; !log.text.includes(text); waits++) {
    assert.ok(waits < 600, `${line} does not say ${text}: ${log.text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Runs the commands of one scene as they are written, but for the host's address. */
class Play {
  readonly #folder: string;
  readonly #target: CountingTarget;
  readonly #workers: number;
  readonly #port = String(steadyPort());
  readonly #running: Running[] = [];
  #exports = "";

  constructor(folder: string, target: CountingTarget, workers: number) {
    this.#folder = folder;
    this.#target = target;
    this.#workers = workers;
  }

  async do(line: string): Promise<void> {
    if (line.startsWith("export ")) {
      this.#exports += `${line}; `;
      return;
    }
    if (line.includes("--resume")) await this.#killMaster();
    const running = this.#start(line);
    if (line.startsWith("aiotest ")) {
      this.#running.push(running);
      // The users continue without it, so their requests do not show that the master is back.
      if (line.includes("--resume")) await tells(running, "Resuming run");
      return;
    }
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, `${line}: ${stderr}`);
  }

  /** Interrupts the master once all workers send requests. All processes must exit with code 0. */
  async finish(): Promise<Summary> {
    await this.#atWork();
    this.#master.child.kill("SIGINT");
    for (const { line, ended } of this.#running) {
      const { code, stderr } = await ended;
      assert.equal(code, 0, `${line}: ${stderr}`);
    }
    return JSON.parse(await Deno.readTextFile(`${this.#folder}/summary.json`));
  }

  /** Ends what is left. */
  async clear(): Promise<void> {
    for (const { child } of this.#running) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await Promise.all(this.#running.map(({ ended }) => ended));
  }

  get #master(): Running {
    const master = this.#running.find(({ line }) => isMaster(line));
    assert.ok(master !== undefined, "there is no master");
    return master;
  }

  async #atWork(): Promise<void> {
    const since = performance.now();
    const all = (): boolean => {
      const recent = this.#target.visits.filter(({ atMs }) => atMs >= since);
      return new Set(recent.map(({ node }) => node)).size >= this.#workers;
    };
    const failed = this.#running.map(async ({ line, ended }) => {
      const { code, stderr } = await ended;
      throw new Error(`${line}: ended with ${code}: ${stderr}`);
    });
    await Promise.race([this.#target.until(all, 30_000), ...failed]);
  }

  async #killMaster(): Promise<void> {
    await this.#atWork();
    const master = this.#master;
    this.#running.splice(this.#running.indexOf(master), 1);
    master.child.kill("SIGKILL");
    await master.ended;
  }

  #start(line: string): Running {
    const path = `${this.#folder}:${Deno.env.get("PATH")}`;
    const own = isMaster(line) ? this.#masterVariables(line) : { AIOTEST_MASTER_PORT: this.#port };
    const here = line.replaceAll(/192\.168\.0\.\d+/g, "127.0.0.1");
    const child = new Deno.Command("sh", {
      args: ["-c", `${this.#exports}exec ${here}`],
      cwd: this.#folder,
      env: { PATH: path, NO_COLOR: "1", AIOTEST_NO_WEB: "1", ...own },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = { text: "" };
    const end = async (): Promise<{ code: number; stderr: string }> => {
      const [{ code }] = await Promise.all([child.status, collect(child.stderr, log)]);
      return { code, stderr: log.text };
    };
    return { line, child, log, ended: end() };
  }

  /** Options with which a test can observe the run, and which avoid ports that are in use. */
  #masterVariables(line: string): Record<string, string> {
    return {
      AIOTEST_HOST: this.#target.url,
      AIOTEST_USERS: "16",
      AIOTEST_RATE: "100",
      AIOTEST_STOP_TIMEOUT: "1",
      AIOTEST_JSON: "summary.json",
      ...(line.includes("--master ")
        ? { AIOTEST_MASTER_BIND_HOST: "127.0.0.1", AIOTEST_MASTER_BIND_PORT: this.#port }
        : {}),
    };
  }
}

const scenes = scenesOf(await Deno.readTextFile(PAGE));

Deno.test("the page has the example with eight workers, one line each", () => {
  const [scene] = scenes.filter((lines) => expectedWorkers(lines) === 8);
  assert.deepEqual(scene, [
    "aiotest -f aiotestfile.ts --master --expect-workers 8",
    ...new Array(8).fill(`aiotest -f aiotestfile.ts --worker --master-host "192.168.0.10"`),
  ]);
});

for (const scene of scenes) {
  const needsOpenssl = scene.some((line) => line.startsWith("openssl "));
  const missing = needsOpenssl && isMissing("openssl");
  test(
    `the page's ${scene.find(isMaster)} works as written${
      missing ? " (skipped: there is no openssl)" : ""
    }`,
    async () => {
      await using target = new CountingTarget();
      const folder = await makeFolder();
      const workers = expectedWorkers(scene);
      const play = new Play(folder, target, workers);
      try {
        for (const line of scene) await play.do(line);
        const summary = await play.finish();
        assertEqualCounts(summary, target);
        assert.equal(summary.complete, true);
        assert.equal(summary.workers.length, workers);
        assert.equal(summary.exitCode, 0);
      } finally {
        await play.clear();
        await Deno.remove(folder, { recursive: true });
      }
    },
    { ignore: missing },
  );
}
