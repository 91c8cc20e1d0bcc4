import { runCommand } from "../../../build/project.ts";
import { type BuildOptions, type ImageConfig, ImageStore } from "./buildah.ts";
import { debianRoot, makeDistrolessRoot } from "./debian.ts";

/** The base images of the Dockerfile, as it names them. */
const DENO = "docker.io/denoland/deno:2.9.6";
const DEBIAN = "docker.io/library/debian:12-slim";
const DISTROLESS = "gcr.io/distroless/cc-debian12:latest";

/** The commit that the images are told of. */
export const COMMIT = "0123abc";

/** An image as buildah has built it, and the files of a container of it. */
export interface Image {
  readonly root: string;
  readonly config: ImageConfig;
}

/**
 * The images of the Dockerfile. Their base images are stand-ins: that of Deno is a bare Debian as well, with this
 * machine's Deno.
 */
export class Images {
  readonly #store: ImageStore;
  readonly #debian: Promise<Image>;

  private constructor(store: ImageStore) {
    this.#store = store;
    this.#debian = this.#buildDebian();
  }

  static async create(): Promise<Images> {
    return new Images(await ImageStore.create());
  }

  async remove(): Promise<void> {
    await this.#store.remove();
  }

  /** The default image. */
  get debian(): Promise<Image> {
    return this.#debian;
  }

  /** The image without a shell. Its executable is that of the default image. */
  async distroless(): Promise<Image> {
    const { root } = await this.#debian;
    const base = `${this.#store.folder}/distroless`;
    await Deno.mkdir(base);
    await makeDistrolessRoot(base);
    await this.#store.importRoot(base, [DISTROLESS]);
    const compiled = `${this.#store.folder}/compiled`;
    await Deno.mkdir(`${compiled}/src/dist`, { recursive: true });
    await Deno.mkdir(`${compiled}/empty`);
    await Deno.link(`${root}/usr/local/bin/aiotest`, `${compiled}/src/dist/aiotest`);
    const stages = { compile: compiled };
    return await this.#build({ tag: "aiotest:distroless", target: "distroless", stages });
  }

  async #buildDebian(): Promise<Image> {
    await this.#store.importRoot(await debianRoot(), [DEBIAN, DENO]);
    return await this.#build({ tag: "aiotest", mounts: await denoMounts(this.#store.folder) });
  }

  async #build(options: BuildOptions): Promise<Image> {
    await this.#store.build({ args: { COMMIT }, ...options });
    return {
      root: await this.#store.unpack(options.tag),
      config: await this.#store.config(options.tag),
    };
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
