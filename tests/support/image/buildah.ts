import assert from "node:assert/strict";
import { runCommand } from "../../../build/project.ts";
import { PROJECT_ROOT } from "../paths.ts";

/** How an image wants to be run. */
export interface ImageConfig {
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Numbers: user, and group. */
  readonly user: readonly [string, string];
  readonly workdir: string;
  /** As `5557/tcp`, in order. */
  readonly ports: readonly string[];
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly healthCheck: HealthCheck | null;
  /** Bytes of the layers that the Dockerfile adds to its base image, not compressed. */
  readonly addedBytes: number;
}

/** How the health of a container is checked. */
export interface HealthCheck {
  /** `CMD`, and a command. */
  readonly test: readonly string[];
  /** Seconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly retries: number;
}

/** What buildah adds to the labels. */
const BUILDAH_LABEL = "io.buildah.version";

/** How the Dockerfile is built. */
export interface BuildOptions {
  readonly tag: string;
  /** The stage to build; by default the last. */
  readonly target?: string;
  /** Folders that replace stages, by their names. */
  readonly stages?: Readonly<Record<string, string>>;
  /** Build arguments. */
  readonly args?: Readonly<Record<string, string>>;
  /** Paths that are mounted while instructions run, by their paths in the container. */
  readonly mounts?: Readonly<Record<string, string>>;
}

/** What `buildah inspect` says of an image in Docker's format, as far as tests read it. */
interface Inspected {
  /** JSON. The first layer is that of the base image. */
  readonly Manifest: string;
  readonly Docker: {
    readonly config: {
      readonly User: string;
      readonly ExposedPorts: Readonly<Record<string, unknown>>;
      readonly Env: readonly string[];
      /** Times are in nanoseconds. */
      readonly Healthcheck?: {
        readonly Test: readonly string[];
        readonly Interval: number;
        readonly Timeout: number;
        readonly StartPeriod: number;
        readonly Retries: number;
      };
      readonly WorkingDir: string;
      readonly Entrypoint: readonly string[];
      readonly Labels: Readonly<Record<string, string>>;
      readonly StopSignal: string;
    };
  };
}

/** A store of images, in which buildah builds the project's Dockerfile. It fetches no images. */
export class ImageStore {
  /** The store's own, with room for files of the build. */
  readonly folder: string;
  readonly #bases: string | null;

  /**
   * @param folder an empty one.
   * @param bases the folder of a store whose images are in this one as well, without a copy.
   */
  constructor(folder: string, bases: string | null = null) {
    this.folder = folder;
    this.#bases = bases;
    // Others than root run programs in it.
    Deno.chmodSync(folder, 0o755);
    // `debian` is docker.io/library/debian, as for Docker.
    Deno.writeTextFileSync(
      `${folder}/registries.conf`,
      'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n',
    );
  }

  async remove(): Promise<void> {
    // Tens of thousands of files, for which `Deno.remove` is slow.
    const { code, stderr } = await runCommand("rm", ["--recursive", "--force", this.folder]);
    assert.equal(code, 0, stderr);
  }

  /** Makes an image of one layer from a folder, under several names. */
  async importRoot(root: string, names: readonly [string, ...string[]]): Promise<void> {
    const container = await this.#from("scratch");
    const copied = await runCommand("cp", [
      ...["--archive", `${root}/.`, await this.#mount(container)],
    ]);
    assert.equal(copied.code, 0, copied.stderr);
    const [name, ...others] = names;
    await this.#buildah("commit", "--quiet", "--rm", "--format=docker", container, name);
    if (others.length > 0) await this.#buildah("tag", name, ...others);
  }

  /** Builds the project's Dockerfile, with the project's folder as its context. */
  async build(
    { tag, target, stages = {}, args = {}, mounts = {} }: BuildOptions,
  ): Promise<void> {
    await this.#buildah(
      "build",
      "--quiet",
      "--pull-never",
      // Only images in Docker's format have a health check.
      "--format=docker",
      "--layers=false",
      "--network=host",
      ...Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`),
      ...Object.entries(mounts).map(([inside, outside]) => `--volume=${outside}:${inside}`),
      ...Object.entries(stages).map(([name, folder]) => `--build-context=${name}=${folder}`),
      ...target === undefined ? [] : [`--target=${target}`],
      `--tag=${tag}`,
      PROJECT_ROOT,
    );
  }

  /** What an image says of how it wants to be run. */
  async config(tag: string): Promise<ImageConfig> {
    const inspected: Inspected = JSON.parse(await this.#buildah("inspect", "--type=image", tag));
    const { config } = inspected.Docker;
    const { layers }: { layers: { size: number }[] } = JSON.parse(inspected.Manifest);
    const health = config.Healthcheck;
    const [user, group] = config.User.split(":");
    assert.ok(user !== undefined && group !== undefined, config.User);
    const { [BUILDAH_LABEL]: _, ...labels } = config.Labels;
    return {
      labels,
      env: Object.fromEntries(config.Env.map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at), pair.slice(at + 1)];
      })),
      user: [user, group],
      workdir: config.WorkingDir,
      ports: Object.keys(config.ExposedPorts).sort(),
      stopSignal: config.StopSignal,
      entrypoint: config.Entrypoint,
      healthCheck: health === undefined ? null : {
        test: health.Test,
        interval: health.Interval / 1e9,
        timeout: health.Timeout / 1e9,
        startPeriod: health.StartPeriod / 1e9,
        retries: health.Retries,
      },
      addedBytes: layers.slice(1).reduce((sum, { size }) => sum + size, 0),
    };
  }

  /** The folder of a new container's files. */
  async unpack(tag: string): Promise<string> {
    return await this.#mount(await this.#from(tag));
  }

  async #from(tag: string): Promise<string> {
    return (await this.#buildah("from", "--quiet", "--pull-never", tag)).trim();
  }

  async #mount(container: string): Promise<string> {
    return (await this.#buildah("mount", container)).trim();
  }

  async #buildah(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand("buildah", [
      // With this driver, layers are plain folders: it works on every file system, and mounts nothing.
      ...["--storage-driver=vfs", `--root=${this.folder}/images`],
      ...this.#bases === null ? [] : [`--storage-opt=vfs.imagestore=${this.#bases}/images`],
      ...[`--runroot=${this.folder}/state`, command, ...args],
    ], {
      env: {
        BUILDAH_ISOLATION: "chroot",
        CONTAINERS_REGISTRIES_CONF: `${this.folder}/registries.conf`,
      },
    });
    assert.equal(code, 0, `buildah ${command}: ${stdout}${stderr}`);
    return stdout;
  }
}
