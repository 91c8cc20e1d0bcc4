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

/** Without documents, these are what `gcr.io/distroless/cc-debian12` has of programs' needs. */
const DISTROLESS = ["libc6", "libgcc-s1", "libstdc++6", "tzdata"];

/** Links and files of packages; folders come with them. */
const COPY_PACKAGES = `
set -e
to=$1
shift
for package in "$@"; do cat var/lib/dpkg/info/"$package".list var/lib/dpkg/info/"$package":*.list 2>/dev/null || true; done |
  grep -v -e ^/usr/share/doc -e ^/usr/share/lintian -e ^/usr/share/man |
  while read -r path; do if [ -f ".$path" ]; then echo ".$path"; fi; done |
  tar --create --files-from=- | tar --extract --directory="$to"
`;

/** Fills a folder with the few packages of Debian that are in a distroless image: no shell, and no programs. */
export async function makeDistrolessRoot(folder: string): Promise<void> {
  const args = ["-c", COPY_PACKAGES, "sh", folder, ...DISTROLESS];
  const copied = await runCommand("sh", args, { cwd: await debianRoot() });
  assert.equal(copied.code, 0, copied.stderr);
  for (const path of ["dev", "etc", "proc", "tmp"]) {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
  }
  await Deno.chmod(`${folder}/tmp`, 0o1777);
  const users =
    "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n";
  await Deno.writeTextFile(`${folder}/etc/passwd`, users);
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
