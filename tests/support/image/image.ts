import { runCommand } from "../../../build/project.ts";
import { type ImageConfig, ImageStore } from "./buildah.ts";
import { debianRoot } from "./debian.ts";

/** The base images of the Dockerfile, as it names them. */
const DENO = "docker.io/denoland/deno:2.9.6";
const DEBIAN = "docker.io/library/debian:12-slim";

/** The commit that the image is told of. */
export const COMMIT = "0123abc";

/**
 * The image as buildah builds it from the Dockerfile, and the files of a container of it. The base images are
 * stand-ins: both are a bare Debian, and Deno is this machine's.
 */
export class Image {
  readonly root: string;
  readonly config: ImageConfig;
  readonly #store: ImageStore;

  private constructor(store: ImageStore, root: string, config: ImageConfig) {
    this.#store = store;
    this.root = root;
    this.config = config;
  }

  /** Builds the Dockerfile, all stages of it. */
  static async build(): Promise<Image> {
    const store = await ImageStore.create();
    try {
      await store.importRoot(await debianRoot(), [DEBIAN, DENO]);
      const mounts = await denoMounts(store.folder);
      await store.build({ tag: "aiotest", args: { COMMIT }, mounts });
      return new Image(store, await store.unpack("aiotest"), await store.config("aiotest"));
    } catch (error) {
      await store.remove();
      throw error;
    }
  }

  async remove(): Promise<void> {
    await this.#store.remove();
  }
}

/**
 * What the stand-in of `denoland/deno` lacks: this machine's Deno with its cache, and the runtime stub with the
 * compiler of its version, if variables name them. They are mounted, because a layer would be another copy.
 */
async function denoMounts(folder: string): Promise<Record<string, string>> {
  const { denoDir } = JSON.parse(await printed(Deno.execPath(), "info", "--json", "--no-config"));
  const mounts: Record<string, string> = { "/deno-dir": denoDir, "/opt/deno": Deno.execPath() };
  const variables: Record<string, string> = { DENO_DIR: "/deno-dir" };
  const stub = Deno.env.get("DENORT_BIN");
  if (stub !== undefined) {
    mounts["/opt/denort"] = await Deno.realPath(stub);
    variables.DENORT_BIN = "/opt/denort";
  }
  const compiler = Deno.env.get("DENO_COMPILER");
  if (compiler !== undefined) {
    // What is on the PATH may be a script that starts it.
    mounts["/opt/compiler"] = (await printed(compiler, "eval", "console.log(Deno.execPath())"))
      .trim();
    variables.DENO_COMPILER = "/opt/compiler";
  }
  const set = Object.entries(variables).map(([name, value]) => `export ${name}=${value}\n`);
  const script = `#!/bin/sh\n${set.join("")}exec /opt/deno "$@"\n`;
  await Deno.writeTextFile(`${folder}/deno`, script, { mode: 0o755 });
  return { ...mounts, "/usr/bin/deno": `${folder}/deno` };
}

async function printed(program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
