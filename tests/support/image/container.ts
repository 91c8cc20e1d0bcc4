import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type CommandResult, runCommand } from "../../../build/project.ts";
import { type Finished, startAiotest, type Started } from "../process.ts";
import type { Image } from "./image.ts";

/** Between two looks at a container's health. */
const LOOK_MS = 250;

/** How a container is started. */
export interface ContainerOptions {
  /** The folder of this machine that lies at `/test`; by default the image's own. */
  readonly tests?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether only `/test`, `/reports` and `/tmp` can be written, as with `read_only`. */
  readonly readOnly?: boolean;
  /** Instead of the image's own. */
  readonly user?: readonly [string, string];
  readonly entrypoint?: readonly string[];
}

/** Lays the mounts, which end with the container, and becomes its first process's parent. */
const SCRIPT = `
set -e
root=$1 tests=$2 mode=$3
shift 3
mount --bind "$root" "$root"
mount --bind /dev "$root/dev"
mount --bind "$root/reports" "$root/reports"
mount --bind "$tests" "$root/test"
if [ "$mode" = ro ]; then
  mount -o remount,bind,ro "$root"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
fi
exec "$@"
`;

/**
 * A container of the image, with its own namespaces for processes and mounts, so that aiotest is process 1,
 * which the kernel treats apart from all others. The network is this machine's.
 */
export class Container implements AsyncDisposable {
  readonly #image: Image;
  readonly #options: ContainerOptions;
  readonly #started: Started;

  constructor(image: Image, args: readonly string[], options: ContainerOptions = {}) {
    const { root, config } = image;
    const { tests = `${root}/test`, readOnly = false, user = config.user } = options;
    this.#image = image;
    this.#options = options;
    // Docker writes these for each container.
    Deno.writeTextFileSync(`${root}/etc/hosts`, "127.0.0.1 localhost\n::1 localhost\n");
    this.#started = startAiotest([
      ...["--mount", "--propagation", "private", "--", "sh", "-c", SCRIPT, "sh"],
      ...[root, tests, readOnly ? "ro" : "rw"],
      ...["unshare", "--pid", "--fork", "--mount-proc", "--root", root],
      ...["--wd", config.workdir, "--setuid", user[0], "--setgid", user[1]],
      ...["--", ...options.entrypoint ?? config.entrypoint, ...args],
    ], {
      executable: "/usr/bin/unshare",
      env: { ...config.env, ...options.env },
    });
  }

  /** Ends it at once, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    // All others in a namespace end with its process 1.
    if (this.#pid !== null) this.kill("SIGKILL");
    await this.#started.finished;
  }

  /** As `docker run` does: what aiotest came to. */
  get finished(): Promise<Finished> {
    return this.#started.finished;
  }

  /** See {@link Started}. */
  says(text: string): Promise<void> {
    return this.#started.says(text);
  }

  /** See {@link Started}. */
  tells(pattern: RegExp): Promise<string> {
    return this.#started.tells(pattern);
  }

  /** As `docker stop` does at first: sends the image's signal to process 1. */
  stop(): void {
    this.kill(this.#image.config.stopSignal as Deno.Signal);
  }

  /** As `docker kill --signal` does. */
  kill(signal: Deno.Signal): void {
    assert.ok(this.#pid !== null, "the container has no process");
    Deno.kill(this.#pid, signal);
  }

  /** As Docker does for the HEALTHCHECK: runs a command beside aiotest, as its user. */
  async run(words: readonly string[]): Promise<CommandResult> {
    const { config } = this.#image;
    const [user, group] = this.#options.user ?? config.user;
    return await runCommand("nsenter", [
      ...["--target", String(this.#pid), "--mount", "--pid", "--root"],
      ...[`--wd=/proc/${this.#pid}/cwd`, "--setuid", user, "--setgid", group, "--", ...words],
    ], { env: { ...config.env, ...this.#options.env }, clearEnv: true });
  }

  /** Runs the HEALTHCHECK: null, or why the container is unhealthy. */
  async healthProblem(): Promise<string | null> {
    const { healthCheck } = this.#image.config;
    assert.ok(healthCheck !== null, "the image has no health check");
    const [kind, ...command] = healthCheck.test;
    assert.equal(kind, "CMD");
    const { code, stdout, stderr } = await this.run(command);
    return code === 0 ? null : `${stdout}${stderr}`.trim();
  }

  /** Polls its health until it is as expected; rejects after this many seconds. */
  async becomes(wanted: "healthy" | RegExp, limit: number): Promise<void> {
    const until = performance.now() + limit * 1_000;
    let found: string;
    do {
      found = await this.healthProblem() ?? "healthy";
      if (typeof wanted === "string" ? found === wanted : wanted.test(found)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    } while (performance.now() < until);
    throw new Error(`not ${wanted} within ${limit} s, but: ${found}`);
  }

  /** Process 1 of the container, by its number on this machine; null before there is one, and after. */
  get #pid(): number | null {
    const { pid } = this.#started;
    try {
      const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
      return child === undefined || child === "" ? null : Number(child);
    } catch {
      return null;
    }
  }
}
