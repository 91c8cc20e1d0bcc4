import assert from "node:assert/strict";
import {
  openLogFile,
  openOutputFile,
  type OutputFile,
  type StandardOutputs,
} from "../../src/core/output_files.ts";
import { FakeOutput } from "../support/fake_host.ts";
import { isMissing } from "../support/machine.ts";

/** Calls `test` with the path of an empty folder. */
async function inFolder(
  test: (folder: string, open: (name: string) => OutputFile) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(folder, (name) => openOutputFile(`${folder}/${name}`, STREAMS));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const STREAMS: StandardOutputs = {
  stdout: new FakeOutput(false, 80),
  stderr: new FakeOutput(false, 80),
};

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** Texts that fail after the first one. */
function* failing(): Generator<string> {
  yield "x".repeat(100_000);
  throw new Error("the second part cannot be made");
}

const isUnix = Deno.build.os !== "windows";

Deno.test("a file appears as a whole, and nothing else remains", () =>
  inFolder(async (folder, open) => {
    const file = open("out.json");
    assert.deepEqual(namesIn(folder), []);
    let seen: string[] = [];
    const texts = function* (): Generator<string> {
      yield "x".repeat(100_000);
      seen = namesIn(folder);
      yield "é";
    };
    await file.write(texts());
    assert.equal(seen.length, 1);
    assert.match(seen[0]!, /^\.aiotest-[\w-]+\.tmp$/);
    assert.deepEqual(namesIn(folder), ["out.json"]);
    assert.equal(Deno.readTextFileSync(`${folder}/out.json`), `${"x".repeat(100_000)}é`);
  }));

Deno.test("a file that cannot be completed leaves nothing", () =>
  inFolder(async (folder, open) => {
    await assert.rejects(open("out.json").write(failing()), /the second part cannot be made/);
    assert.deepEqual(namesIn(folder), []);
  }));

Deno.test("an old file is kept by the check, removed at the start, and replaced at the end", () =>
  inFolder(async (folder, open) => {
    Deno.writeTextFileSync(`${folder}/out.json`, "old");
    const file = open("out.json");
    assert.equal(Deno.readTextFileSync(`${folder}/out.json`), "old");
    file.clear();
    assert.deepEqual(namesIn(folder), []);
    file.clear();
    await file.write(["new"]);
    assert.equal(Deno.readTextFileSync(`${folder}/out.json`), "new");
  }));

Deno.test({
  name: "a file is created as others are, and one that replaces another has its mode",
  ignore: !isUnix,
  fn: () =>
    inFolder(async (folder, open) => {
      const modeOf = (name: string): number | null => Deno.statSync(`${folder}/${name}`).mode;
      Deno.writeTextFileSync(`${folder}/plain`, "");
      await open("new").write(["new"]);
      assert.equal(modeOf("new"), modeOf("plain"));
      Deno.writeTextFileSync(`${folder}/private`, "old");
      Deno.chmodSync(`${folder}/private`, 0o640);
      const file = open("private");
      file.clear();
      await file.write(["new"]);
      assert.equal(modeOf("private")! & 0o777, 0o640);
    }),
});

Deno.test("a link keeps leading to the file that is written", () =>
  inFolder(async (folder, open) => {
    Deno.mkdirSync(`${folder}/runs`);
    Deno.symlinkSync("runs/7.json", `${folder}/latest`);
    const file = open("latest");
    file.clear();
    await file.write(["seven"]);
    assert.equal(Deno.readLinkSync(`${folder}/latest`), "runs/7.json");
    assert.deepEqual(namesIn(`${folder}/runs`), ["7.json"]);
    assert.equal(Deno.readTextFileSync(`${folder}/latest`), "seven");
  }));

Deno.test("the identity is that of the file, whichever path leads to it", () =>
  inFolder((folder, open) => {
    Deno.mkdirSync(`${folder}/sub`);
    Deno.symlinkSync(folder, `${folder}/sub/up`);
    Deno.symlinkSync("new", `${folder}/link`);
    const identity = open("new").identity;
    for (const path of ["./new", "sub/../new", "sub/up/new", "link"]) {
      assert.equal(open(path).identity, identity, path);
    }
    assert.notEqual(open("other").identity, identity);
    Deno.writeTextFileSync(`${folder}/a`, "");
    Deno.linkSync(`${folder}/a`, `${folder}/b`);
    assert.equal(open("a").identity, open("b").identity);
    assert.notEqual(open("a").identity, identity);
  }));

Deno.test("a file that cannot be written is noticed before, in plain words", () =>
  inFolder((folder, open) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    Deno.symlinkSync("circle", `${folder}/circle`);
    const problems: [path: string, problem: string][] = [
      ["no/such/out.json", `the directory ${folder}/no/such does not exist`],
      [".", "it is a directory"],
      ["file/out.json", "a part of the path is not a directory"],
      ["file/sub/out.json", "a part of the path is not a directory"],
      ["circle", "too many symbolic links"],
      ["x".repeat(300), "the name is too long"],
    ];
    for (const [path, message] of problems) {
      assert.throws(() => open(path), { name: "Error", message }, path);
    }
    assert.deepEqual(namesIn(folder), ["circle", "file"]);
  }));

Deno.test({
  name: "a device is written directly, and outputs can share it",
  ignore: !isUnix,
  fn: async () => {
    const file = openOutputFile("/dev/null", STREAMS);
    assert.equal(file.identity, null);
    file.clear();
    await file.write(["text"]);
    assert.ok(Deno.statSync("/dev/null").isCharDevice);
  },
});

Deno.test({
  name: "a full device is reported in plain words",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const full = openOutputFile("/dev/full", STREAMS);
    await assert.rejects(full.write(["text"]), { message: "no space left on the device" });
    const log = openLogFile("/dev/full");
    assert.equal(log.append("a line"), "no space left on the device");
    assert.equal(log.append("another"), null);
    assert.equal(log.problem, "no space left on the device");
  },
});

Deno.test({
  name: "a named pipe is written directly, to the process that reads it",
  ignore: !isUnix || isMissing("mkfifo"),
  fn: () =>
    inFolder(async (folder, open) => {
      await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
      const file = open("pipe");
      file.clear();
      const [text] = await Promise.all([
        Deno.readTextFile(`${folder}/pipe`),
        file.write(["x".repeat(100_000), "y"]),
      ]);
      assert.equal(text, `${"x".repeat(100_000)}y`);
    }),
});

Deno.test("/dev/stdout is the output of this process", async () => {
  for (const path of ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
    const stdout = new FakeOutput(false, 80);
    const file = openOutputFile(path, { ...STREAMS, stdout });
    file.clear();
    await file.write(["a", "b"]);
    assert.equal(stdout.text, "ab");
    stdout.problem = "the reader has closed the pipe";
    await assert.rejects(file.write(["c"]), { message: stdout.problem });
  }
});

Deno.test("a log grows line by line", () =>
  inFolder((folder) => {
    const path = `${folder}/run.log`;
    Deno.writeTextFileSync(path, "before\n");
    const log = openLogFile(path);
    assert.equal(log.append("one"), null);
    assert.equal(log.append("two"), null);
    assert.equal(Deno.readTextFileSync(path), "before\none\ntwo\n");
    assert.equal(log.problem, null);
    assert.throws(() => openLogFile(`${folder}/none/run.log`), {
      message: `the directory ${folder}/none does not exist`,
    });
    assert.throws(() => openLogFile(folder), { message: "it is a directory" });
  }));
