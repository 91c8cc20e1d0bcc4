import { dirname, join } from "node:path";

/** A new folder that only this user can look into. */
export interface PrivateFolder {
  /** Without links in it. */
  readonly path: string;
  /**
   * Writes a new file, and makes the folders that it lies in; rejects with
   * `Deno.errors.AlreadyExists` and its like.
   *
   * @param name relative to the folder, its parts between slashes; nobody checks that it stays inside.
   */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes it with all that is in it; one that is gone already is ignored. */
  remove(): void;
}

/** Makes a folder that goes when the process ends, unless a signal kills the process. */
export function createPrivateFolder(): PrivateFolder {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "aiotest-" }));
  const remove = (): void => {
    globalThis.removeEventListener("unload", remove);
    try {
      Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  globalThis.addEventListener("unload", remove);
  return {
    path,
    async write(name, bytes): Promise<void> {
      const file = join(path, name);
      await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await Deno.writeFile(file, bytes, { createNew: true, mode: 0o600 });
    },
    remove,
  };
}
