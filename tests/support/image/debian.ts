import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { runCommand } from "../../../build/project.ts";

/**
 * A folder with a bare Debian 12, as `debian:12-slim` has it but for documents that are left out there.
 * It takes half a minute and a network to make, so it is kept with the system's temporary files.
 */
export async function debianRoot(): Promise<string> {
  const folder = `${tmpdir()}/aiotest-debian-12`;
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  const root = `${folder}/root`;
  if (await exists(root)) return root;
  // Not in the folder of an interrupted one, in which something may still be mounted.
  const fresh = await Deno.makeTempDir({ dir: folder });
  await Deno.chmod(fresh, 0o755);
  const made = await runCommand("debootstrap", ["--variant=minbase", "bookworm", fresh]);
  assert.equal(made.code, 0, `debootstrap: ${made.stdout.slice(-2_000)}${made.stderr}`);
  for (const path of ["var/cache/apt", "var/lib/apt/lists"]) {
    await Deno.remove(`${fresh}/${path}`, { recursive: true });
  }
  await Deno.rename(fresh, root);
  return root;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
