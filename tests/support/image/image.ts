import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { runCommand } from "../../../build/project.ts";
import { projectPath } from "../paths.ts";
import { type BuildOptions, type ImageConfig, ImageStore } from "./buildah.ts";
import { debianRoot, makeDistrolessRoot } from "./debian.ts";

/** Base images of the Dockerfile, with the registries that Docker takes them from. */
const DEBIAN = "docker.io/library/debian:12-slim";
const DISTROLESS = "gcr.io/distroless/cc-debian12:latest";

/**
 * The folder of a store with stand-ins of the Dockerfile's base images. That of Deno is a bare Debian as well. They
 * take a while to make, so they are kept with the system's temporary files.
 */
export async function baseImages(): Promise<string> {
  const dockerfile = await Deno.readTextFile(projectPath("Dockerfile"));
  const [, deno] = /^FROM (denoland\/deno:\S+) AS compile$/m.exec(dockerfile)!;
  const debian = await debianRoot();
  const parent = dirname(debian);
  using lock = await Deno.open(`${parent}/images.lock`, { create: true, write: true });
  await lock.lock(true);
  const folder = `${parent}/${deno!.replace(/\W/g, "-")}`;
  if (existsSync(folder)) return folder;
  const fresh = await Deno.makeTempDir({ dir: parent });
  const store = new ImageStore(fresh);
  await store.importRoot(debian, [DEBIAN, `docker.io/${deno}`]);
  const distroless = await Deno.makeTempDir({ dir: parent });
  await makeDistrolessRoot(distroless);
  await store.importRoot(distroless, [DISTROLESS]);
  await Deno.remove(distroless, { recursive: true });
  await Deno.rename(fresh, folder);
  return folder;
}

/** The commit that the images are told of. */
export const COMMIT = "0123abc";

/** An image as buildah has built it, and the files of a container of it. */
export interface Image {
  readonly root: string;
  readonly config: ImageConfig;
}

/** The images of the Dockerfile, over stand-ins of their base images, compiled by this machine's Deno. */
export class Images {
  readonly #store: ImageStore;
  readonly #debian: Promise<Image>;

  private constructor(store: ImageStore) {
    this.#store = store;
    this.#debian = this.#buildDebian();
  }

  static async create(): Promise<Images> {
    const bases = await baseImages();
    const folder = await Deno.makeTempDir({ prefix: "aiotest-images-" });
    return new Images(new ImageStore(folder, bases));
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
    const compiled = `${this.#store.folder}/compiled`;
    await Deno.mkdir(`${compiled}/src/dist`, { recursive: true });
    await Deno.mkdir(`${compiled}/empty`);
    await Deno.link(`${root}/usr/local/bin/aiotest`, `${compiled}/src/dist/aiotest`);
    const stages = { compile: compiled };
    return await this.#build({ tag: "aiotest:distroless", target: "distroless", stages });
  }

  async #buildDebian(): Promise<Image> {
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
