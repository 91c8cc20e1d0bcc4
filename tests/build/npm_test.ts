import assert from "node:assert/strict";
import ts from "typescript";
import { HEADER_BYTES, TARGETS } from "../../build/compile.ts";
import {
  type Executable,
  findExecutables,
  makePackages,
  packFolders,
  platformPackage,
} from "../../build/npm.ts";
import { runCommand } from "../../build/project.ts";
import config from "../../deno.json" with { type: "json" };
import { isMissing } from "../support/machine.ts";
import { PROJECT_ROOT } from "../support/paths.ts";

const RELEASE = {
  version: config.version,
  license: config.license,
  repository: "https://git.example/load/aiotest",
};

/** The first bytes of executables, by target; the rest does not matter here. */
const HEADERS: Readonly<Record<string, Readonly<Record<number, readonly number[]>>>> = {
  "linux-x64": { 0: [0x7f, 0x45, 0x4c, 0x46], 18: [0x3e] },
  "linux-arm64": { 0: [0x7f, 0x45, 0x4c, 0x46], 18: [0xb7] },
  "macos-x64": { 0: [0xcf, 0xfa, 0xed, 0xfe, 0x07, 0, 0, 0x01] },
  "macos-arm64": { 0: [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 0x01] },
  "windows-x64": { 0: [0x4d, 0x5a] },
};

/** A project with only what is packed of it, and the executables of some targets. */
async function projectWith(targets: readonly string[]): Promise<string> {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/dist`);
  await Deno.mkdir(`${root}/build`);
  await Deno.symlink(`${PROJECT_ROOT}/build/npm`, `${root}/build/npm`);
  await Deno.copyFile(`${PROJECT_ROOT}/LICENSE`, `${root}/LICENSE`);
  for (const { name, suffix } of TARGETS.filter(({ name }) => targets.includes(name))) {
    const bytes = new Uint8Array(HEADER_BYTES);
    for (const [at, values] of Object.entries(HEADERS[name]!)) bytes.set(values, Number(at));
    const path = `${root}/dist/aiotest-${config.version}-${name}${suffix}`;
    // Without the mode bit, as artifacts of CI lose it.
    await Deno.writeFile(path, bytes, { mode: 0o644 });
  }
  return root;
}

async function findAll(root: string): Promise<Executable[]> {
  const found = await findExecutables(root, config.version, false);
  assert.ok(typeof found !== "string", String(found));
  return found;
}

const ALL = TARGETS.map(({ name }) => name);

Deno.test("each package is for one platform, and aiotest depends on all of them in its own version", async () => {
  const root = await projectWith(ALL);
  const folders = await makePackages(root, `${root}/npm`, await findAll(root), RELEASE);
  const manifests = folders.map((folder) =>
    JSON.parse(Deno.readTextFileSync(`${folder}/package.json`))
  );
  const platforms = manifests.slice(0, -1);
  assert.deepEqual(
    platforms.map(({ name, os, cpu, libc }) => ({ name, os, cpu, libc })),
    [
      { name: "@aiotest/linux-x64", os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
      { name: "@aiotest/linux-arm64", os: ["linux"], cpu: ["arm64"], libc: ["glibc"] },
      { name: "@aiotest/darwin-x64", os: ["darwin"], cpu: ["x64"], libc: undefined },
      { name: "@aiotest/darwin-arm64", os: ["darwin"], cpu: ["arm64"], libc: undefined },
      { name: "@aiotest/win32-x64", os: ["win32"], cpu: ["x64"], libc: undefined },
    ],
  );
  const main = manifests.at(-1);
  assert.equal(main.name, "aiotest");
  assert.deepEqual(
    main.optionalDependencies,
    Object.fromEntries(platforms.map(({ name }) => [name, config.version])),
  );
  assert.deepEqual(TARGETS.map(platformPackage), Object.keys(main.optionalDependencies));
  for (const manifest of manifests) {
    assert.equal(manifest.version, config.version);
    assert.equal(manifest.license, "MIT");
    assert.equal(manifest.repository.url, "git+https://git.example/load/aiotest.git");
    assert.equal(manifest.dependencies, undefined);
    assert.equal(manifest.scripts, undefined);
  }
  await Deno.remove(root, { recursive: true });
});

Deno.test("aiotest depends on no package that is not made with it", async () => {
  const root = await projectWith(["linux-x64"]);
  const [executable] = TARGETS.map((target) => ({
    target,
    path: `${root}/dist/aiotest-${config.version}-linux-x64`,
  }));
  const release = { ...RELEASE, repository: null };
  const folders = await makePackages(root, `${root}/npm`, [executable!], release);
  const main = JSON.parse(await Deno.readTextFile(`${folders.at(-1)}/package.json`));
  assert.deepEqual(main.optionalDependencies, { "@aiotest/linux-x64": config.version });
  assert.equal("repository" in main, false);
  await Deno.remove(root, { recursive: true });
});

Deno.test({
  name: "the tarballs hold programs that may be executed, and nothing of the project besides",
  ignore: isMissing("npm") || isMissing("tar"),
  async fn(): Promise<void> {
    const root = await projectWith(ALL);
    const folders = await makePackages(root, `${root}/npm`, await findAll(root), RELEASE);
    const tarballs = await packFolders(folders, `${root}/npm`);
    const common = ["-rw-r--r-- LICENSE", "-rw-r--r-- README.md", "-rw-r--r-- package.json"];
    const contents = await Promise.all(tarballs.map(async (path) => {
      const { stdout } = await runCommand("tar", ["tvzf", path]);
      const lines = stdout.trim().split("\n").map((line) => line.split(/\s+/));
      return lines.map((words) => `${words[0]} ${words.at(-1)!.replace("package/", "")}`).sort();
    }));
    const names = tarballs.map((path) => path.slice(`${root}/npm/`.length));
    assert.deepEqual(names, [
      ...["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"].map((name) =>
        `aiotest-${name}-${config.version}.tgz`
      ),
      `aiotest-${config.version}.tgz`,
    ]);
    for (const content of contents.slice(0, 4)) {
      assert.deepEqual(content, [...common, "-rwxr-xr-x bin/aiotest"]);
    }
    assert.deepEqual(contents[4], [...common, "-rwxr-xr-x bin/aiotest.exe"]);
    const typesAndModule = ["-rw-r--r-- index.d.ts", "-rw-r--r-- index.js"];
    assert.deepEqual(
      contents[5],
      [...common, ...typesAndModule, "-rwxr-xr-x bin/aiotest"].sort(),
    );
    await Deno.remove(root, { recursive: true });
  },
});

Deno.test("a missing executable is named, with the command that makes it", async () => {
  const root = await projectWith(ALL.filter((name) => name !== "macos-arm64"));
  assert.equal(
    await findExecutables(root, config.version, false),
    `dist/aiotest-${config.version}-macos-arm64 is missing. To make it: ` +
      "deno task compile --target macos-arm64; for all of them: deno task compile --all",
  );
  assert.match(
    String(await findExecutables(root, config.version, true)),
    /^dist\/aiotest(\.exe)? is missing\. To make it: deno task compile$/,
  );
  await Deno.remove(root, { recursive: true });
});

Deno.test("an executable for another platform is not packed", async () => {
  const root = await projectWith(ALL);
  const name = `${root}/dist/aiotest-${config.version}`;
  await Deno.copyFile(`${name}-linux-x64`, `${name}-linux-arm64`);
  assert.equal(
    await findExecutables(root, config.version, false),
    `dist/aiotest-${config.version}-linux-arm64 is not an executable for linux-arm64. ` +
      "To make it again: deno task compile --target linux-arm64",
  );
  await Deno.writeTextFile(`${name}-linux-x64`, "not a program");
  assert.match(
    String(await findExecutables(root, config.version, false)),
    /linux-x64 is not an executable for linux-x64/,
  );
  await Deno.remove(root, { recursive: true });
});

/** What a plain project with TypeScript and Node.js has. */
const TYPED_TEST = `
import { between, FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  static override waitTime = between(1, 3);
  async testSearch(): Promise<void> {
    const res = await this.session.get("/search", { params: { q: "boots" } });
    const status: number = res.status;
    const wrong: string = res.status;
    if (status === 200 && wrong) await res.json();
  }
}
`;

Deno.test("TypeScript finds the types, in modules of both kinds", async () => {
  const root = await projectWith([]);
  const executables = [{ target: TARGETS[0]!, path: `${root}/LICENSE` }];
  await makePackages(root, `${root}/node_modules`, executables, RELEASE);
  const files = ["shop.mts", "shop.cts"].map((name) => `${root}/${name}`);
  for (const file of files) await Deno.writeTextFile(file, TYPED_TEST);
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    types: [],
    strict: true,
    noEmit: true,
    skipDefaultLibCheck: true,
  });
  const messages = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) =>
    `${file?.fileName.replace(`${root}/`, "")}: ${
      ts.flattenDiagnosticMessageText(messageText, " ")
    }`
  );
  const mistake = "Type 'number' is not assignable to type 'string'.";
  assert.deepEqual(messages, [`shop.cts: ${mistake}`, `shop.mts: ${mistake}`]);
  await Deno.remove(root, { recursive: true });
});
