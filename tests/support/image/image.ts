import assert from "node:assert/strict";
import { runCommand } from "../../../build/project.ts";
import { projectPath } from "../paths.ts";
import { copy, copyContext } from "./build_context.ts";
import { debianRoot } from "./debian.ts";
import { execWords, type Instruction, pairs, parseDockerfile } from "./dockerfile.ts";

/** Docker's defaults for a container. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How the image wants to be run. */
export interface ImageConfig {
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Numbers: user, and group. */
  readonly user: readonly [string, string];
  readonly workdir: string;
  readonly ports: readonly string[];
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
}

/** The image as a folder: what the Dockerfile's instructions make of a bare Debian, without Docker. */
export class Image {
  readonly root: string;
  readonly config: ImageConfig;
  readonly #folder: string;

  private constructor(folder: string, config: ImageConfig) {
    this.#folder = folder;
    this.root = `${folder}/root`;
    this.config = config;
  }

  /** Carries the Dockerfile out, all stages of it. */
  static async build(): Promise<Image> {
    const folder = await Deno.makeTempDir({ prefix: "aiotest-image-" });
    try {
      return new Image(folder, await carryOut(folder));
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  async remove(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Carries the Dockerfile out in a folder; the image's files are in its `root`. */
async function carryOut(folder: string): Promise<ImageConfig> {
  const [compile, final, ...others] = parseDockerfile(
    Deno.readTextFileSync(projectPath("Dockerfile")),
  );
  assert.deepEqual(others, []);
  assert.equal(final!.base, "debian:12-slim");
  assert.equal(compile!.name, "compile");

  const context = `${folder}/context`;
  copyContext(context);
  await compileIn(`${folder}/compile`, context, compile!.instructions);

  const copied = await runCommand("cp", ["--archive", await debianRoot(), `${folder}/root`]);
  assert.equal(copied.code, 0, copied.stderr);
  const builder = new Builder(`${folder}/root`, context, `${folder}/compile`);
  for (const instruction of final!.instructions) await builder.carryOut(instruction);
  return builder.config();
}

/** The first stage, with this machine's Deno instead of that of the base image. */
async function compileIn(
  root: string,
  context: string,
  instructions: readonly Instruction[],
): Promise<void> {
  let workdir = root;
  for (const { keyword, text } of instructions) {
    if (keyword === "WORKDIR") {
      workdir = `${root}${text}`;
      Deno.mkdirSync(workdir, { recursive: true });
    } else if (keyword === "COPY") {
      assert.equal(text, ". .");
      copy(context, workdir);
    } else {
      assert.equal(keyword, "RUN");
      const [program, ...args] = text.split(" ");
      assert.equal(program, "deno");
      const { code, stdout, stderr } = await runCommand(Deno.execPath(), args, { cwd: workdir });
      assert.equal(code, 0, `${stdout}${stderr}`);
    }
  }
}

/** The last stage, under way. */
class Builder {
  readonly #root: string;
  readonly #context: string;
  readonly #compiled: string;
  readonly #args: Record<string, string> = {};
  readonly #labels: Record<string, string> = {};
  readonly #env: Record<string, string> = { PATH: DEFAULT_PATH };
  readonly #said = new Map<string, Instruction>();

  constructor(root: string, context: string, compiled: string) {
    this.#root = root;
    this.#context = context;
    this.#compiled = compiled;
  }

  async carryOut(instruction: Instruction): Promise<void> {
    const { keyword, text } = instruction;
    switch (keyword) {
      case "ARG":
        return void Object.assign(this.#args, pairs(text, {}));
      case "LABEL":
        return void Object.assign(this.#labels, pairs(text, this.#args));
      case "ENV":
        return void Object.assign(this.#env, pairs(text, this.#args));
      case "RUN":
        assert.ok(!this.#said.has("USER"), "RUN after USER is more than this can");
        return await this.#run(text);
      case "COPY":
        return this.#copy(instruction);
      case "WORKDIR":
        Deno.mkdirSync(`${this.#root}${text}`, { recursive: true });
        break;
      default:
        assert.match(keyword, /^(USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT)$/);
    }
    this.#said.set(keyword, instruction);
  }

  config(): ImageConfig {
    const said = (keyword: string): string => this.#said.get(keyword)!.text;
    const [user, group] = said("USER").split(":");
    const health = said("HEALTHCHECK");
    assert.ok(health.startsWith("CMD "), health);
    return {
      labels: this.#labels,
      env: this.#env,
      user: [user!, group!],
      workdir: said("WORKDIR"),
      ports: said("EXPOSE").split(" "),
      stopSignal: said("STOPSIGNAL"),
      entrypoint: execWords(said("ENTRYPOINT")),
      healthcheck: execWords(health.slice("CMD ".length)),
    };
  }

  async #run(script: string): Promise<void> {
    const { code, stderr } = await runCommand("chroot", [this.#root, "/bin/sh", "-c", script], {
      env: this.#env,
      clearEnv: true,
    });
    assert.equal(code, 0, `${script}\n${stderr}`);
  }

  #copy({ flags: { from }, text }: Instruction): void {
    assert.ok(from === undefined || from === "compile");
    const [source, target, ...others] = text.split(/\s+/);
    assert.deepEqual(others, []);
    const folder = from === undefined ? `${this.#context}/` : this.#compiled;
    const name = target!.endsWith("/") ? source!.split("/").at(-1)! : "";
    if (name !== "") Deno.mkdirSync(`${this.#root}${target}`, { recursive: true });
    copy(`${folder}${source}`, `${this.#root}${target}${name}`);
  }
}
