import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { parse } from "yaml";
import { runCommand } from "../../build/project.ts";
import { parseDuration } from "../../src/core/duration.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { aiotestScript } from "../support/doc_page.ts";
import { RunnerJob, type Step } from "../support/github_action.ts";
import { checkJunit, elementsOf, parseXml } from "../support/junit.ts";
import { tablesOf } from "../support/markdown.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { snapshot } from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

/** The YAML and the Jenkinsfile of docs/continuous-integration.md, by the file that their first line names. */
const FILES = new Map(
  [...(await Deno.readTextFile(projectPath("docs/continuous-integration.md")))
    .matchAll(/^```(?:yaml|groovy)\n(?:#|\/\/) (\S+)\n([^]*?)^```$/gm)]
    .map(([, name, text]): [string, string] => [name!, text!]),
);

const TEST_FILE = `
import { FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  static waitTime = 0.02;
  async testSearch() { await this.session.get("/plain"); }
}
`;

/** The workspace of a job, with a test file, and a target that counts requests. */
class Workspace implements AsyncDisposable {
  readonly target = new CountingTarget();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Workspace> {
    const folder = await Deno.makeTempDir();
    await Deno.mkdir(`${folder}/bin`);
    await Deno.writeTextFile(`${folder}/bin/aiotest`, await aiotestScript(), { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/aiotestfile.ts`, TEST_FILE);
    return new Workspace(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Runs a script with the variables of a job, for a second and against {@link target}; returns its output. */
  async run(script: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const { code, stdout, stderr } = await runCommand("sh", ["-e", "-c", script], {
      cwd: this.#folder,
      env: {
        ...variables,
        CI: "true",
        AIOTEST_HOST: this.target.url,
        AIOTEST_RUN_TIME: "1s",
        PATH: `${this.#folder}/bin${delimiter}${Deno.env.get("PATH")}`,
      },
    });
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  /** Checks that a report for the CI system has a test for the requests of the run. */
  async checkJunit(name: string): Promise<void> {
    const root = parseXml(await Deno.readTextFile(this.path(name)));
    checkJunit(root);
    const tests = elementsOf(root, "testcase").map(({ attributes }) => attributes.name);
    assert.ok(tests.includes("GET /plain"), tests.join());
  }

  /** Whether a file is there. */
  async has(name: string): Promise<boolean> {
    return await Deno.stat(this.path(name)).then(() => true, () => false);
  }
}

interface GitlabJob {
  readonly variables: Readonly<Record<string, string>>;
  readonly cache: { readonly paths: readonly string[] };
  readonly script: readonly string[];
  readonly artifacts: {
    readonly paths: readonly string[];
    readonly reports: { readonly junit: string };
  };
}

/** The load that a job of the page sets. */
interface JobLoad {
  readonly users: number;
  readonly rate: number;
  readonly seconds: number;
}

/** The loads of all jobs, from the inputs, variables and flags that set them. */
function* jobLoads(): Generator<[name: string, load: JobLoad]> {
  const load = (
    [users, rate, time]: readonly unknown[],
  ): JobLoad => ({
    users: Number(users),
    rate: Number(rate),
    seconds: parseDuration(String(time)) ?? NaN,
  });
  const action: Step[] = parse(FILES.get(".github/workflows/load-test.yml")!)
    .jobs["load-test"].steps;
  const inputs = action.find(({ id }) => id === "load")!.with!;
  yield ["the action", load([inputs.users, inputs.rate, inputs["run-time"]])];
  const byHand = FILES.get(".github/workflows/load-test-by-hand.yml")!;
  yield ["by hand", load(/aiotest .*-u (\d+) -r (\d+) -t (\w+)/.exec(byHand)?.slice(1) ?? [])];
  const gitlab = parse(FILES.get(".gitlab-ci.yml")!);
  const { variables } = gitlab["load-test"] as GitlabJob;
  const ofVariables = (of: Readonly<Record<string, string>>): JobLoad =>
    load([of.AIOTEST_USERS, of.AIOTEST_RATE, of.AIOTEST_RUN_TIME]);
  yield ["GitLab", ofVariables(variables)];
  const nightly: GitlabJob = gitlab["load-test-nightly"];
  yield ["GitLab, nightly", ofVariables({ ...variables, ...nightly.variables })];
  const pipeline = FILES.get("Jenkinsfile")!.matchAll(/^\s+(AIOTEST_\w+) = '(.*)'$/gm);
  yield ["Jenkins", ofVariables(Object.fromEntries([...pipeline].map(([, ...pair]) => pair)))];
}

Deno.test("each job starts its users in less than a tenth of its run", () => {
  for (const [name, { users, rate, seconds }] of jobLoads()) {
    assert.ok(users / rate < seconds / 10, `${name}: ${users} users, ${rate}/s, ${seconds} s`);
  }
});

const testExample = sideBySide("the jobs of docs/continuous-integration.md run", 2);

testExample("GitLab CI: the run of the main branch is the baseline of the next one", async () => {
  const { "load-test": job }: Record<"load-test", GitlabJob> = parse(FILES.get(".gitlab-ci.yml")!);
  await using workspace = await Workspace.make();
  const [baseline] = job.cache.paths;
  const run = (branch: string): Promise<string> =>
    workspace.run(job.script.join("\n"), {
      ...job.variables,
      CI_COMMIT_BRANCH: branch,
      CI_DEFAULT_BRANCH: "main",
    });
  await run("faster");
  assert.equal(await workspace.has(baseline!), false);
  assert.doesNotMatch(await run("main"), /figure is certainly worse/);
  assert.equal(await workspace.has(baseline!), true);
  assert.match(await run("faster"), /\nPASSED no figure is certainly worse/);
  for (const path of job.artifacts.paths) assert.equal(await workspace.has(path), true, path);
  await workspace.checkJunit(job.artifacts.reports.junit);
  assert.ok(workspace.target.total > 0);
});

testExample("Jenkins: the summary of the last build is the baseline of the next one", async () => {
  const pipeline = FILES.get("Jenkinsfile")!;
  const [test, compare, ...more] = [...pipeline.matchAll(/\bsh ('''[^]*?'''|'[^']*')/g)]
    .map(([, text]) => text!.replace(/^'+|'+$/g, ""));
  assert.deepEqual(more, []);
  const variables = Object.fromEntries(
    [...pipeline.matchAll(/^\s+(AIOTEST_\w+) = '(.*)'$/gm)].map((
      [, name, value],
    ) => [name, value!]),
  );
  assert.ok("AIOTEST_USERS" in variables);
  await using workspace = await Workspace.make();
  await workspace.run(test!, variables);
  const archived = /artifacts: '([^']*)'/.exec(pipeline)![1]!.split(", ");
  for (const path of archived) assert.equal(await workspace.has(path), true, path);
  await workspace.checkJunit(/junit '([^']*)'/.exec(pipeline)![1]!);
  const target = /target: '([^']*)'/.exec(pipeline)![1]!;
  const expected = /fileExists\('([^']*)'\)/.exec(pipeline)![1]!;
  await Deno.mkdir(workspace.path(target));
  await Deno.copyFile(
    workspace.path(/filter: '([^']*)'/.exec(pipeline)![1]!),
    workspace.path(expected),
  );
  assert.match(await workspace.run(compare!, variables), /\nPASSED no figure is certainly worse/);
});

testExample("GitLab: the tables are posted to the merge request as they are", async () => {
  const page = await Deno.readTextFile(projectPath("docs/continuous-integration.md"));
  const command = /^curl .*CI_API_V4_URL.*$/m.exec(page)![0];
  const posted: unknown[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const body = (await request.formData()).get("body");
      posted.push([request.method, pathname, request.headers.get("private-token"), body]);
      return new Response("{}", { status: 201 });
    },
  );
  await using workspace = await Workspace.make();
  const report = joined(markdownReport(snapshot({ warnings: ["a & b = 100 %+"] }), 0));
  await Deno.writeTextFile(workspace.path("report.md"), report);
  await workspace.run(command, {
    ...{ TOKEN: "secret", CI_API_V4_URL: `http://127.0.0.1:${server.addr.port}/api/v4` },
    ...{ CI_PROJECT_ID: "7", CI_MERGE_REQUEST_IID: "12" },
  });
  const path = "/api/v4/projects/7/merge_requests/12/notes";
  assert.deepEqual(posted, [["POST", path, "secret", report]]);
}, { ignore: isMissing("curl") });

testExample("GitHub Actions without the action: the tables are in the job's summary", async () => {
  const workflow = parse(FILES.get(".github/workflows/load-test-by-hand.yml")!);
  const steps: Step[] = workflow.jobs["load-test"].steps;
  const at = steps.findIndex(({ name }) => name === "Run the test");
  await using target = new CountingTarget();
  await using job = await RunnerJob.start({
    ...{ AIOTEST_HOST: target.url, PATH: `bin${delimiter}${Deno.env.get("PATH")}` },
  });
  await Deno.mkdir(`${job.workspace}/bin`);
  await Deno.writeTextFile(`${job.workspace}/bin/aiotest`, await aiotestScript(), { mode: 0o755 });
  await Deno.writeTextFile(`${job.workspace}/aiotestfile.ts`, TEST_FILE);
  for (const { run = "", ...step } of steps.slice(at)) {
    const { code, stdout, stderr } = await job.run(
      { ...step, run: run.replace("-t 30s", "-t 1s") },
      new Map(),
    );
    assert.equal(code, 0, stdout + stderr);
  }
  const [, requests] = tablesOf(await job.summary());
  assert.equal(requests!.rows[0]![1], String(target.total));
});
