/**
 * Steps of workflows and of composite actions for GitHub, run as its runner would run them: with bash, in the
 * environment that the step and the runner set.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { projectPath } from "./paths.ts";

/** A step that runs a script or uses another action. */
export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** What `action.yml` says. */
export interface Action {
  readonly inputs: Readonly<
    Record<string, { readonly description: string; readonly default: string }>
  >;
  readonly outputs: Readonly<
    Record<string, { readonly description: string; readonly value: string }>
  >;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

/** Reads a file in YAML, relative to the root of the project. */
export async function readYaml<Content>(path: string): Promise<Content> {
  return parse(await Deno.readTextFile(projectPath(path)));
}

/** The values of expressions by their paths, such as `inputs.host`. */
export type ExpressionContext = ReadonlyMap<string, string>;

/** A text with the values of its expressions. Fails on an expression that is no known value. */
export function evaluated(text: string, context: ExpressionContext): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (whole, expression: string) => {
    const value = context.get(expression.trim());
    assert.ok(value !== undefined, `${whole} has no value here`);
    return value;
  });
}

/** What a step did. */
export interface StepResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: ReadonlyMap<string, string>;
}

/** A job on a runner of its own. */
export class RunnerJob implements AsyncDisposable {
  /** The folder of the job, which is the working directory of its steps. */
  readonly workspace: string;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  #steps = 0;
  #path: string;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.workspace = `${folder}/workspace`;
    this.#env = env;
    this.#path = Deno.env.get("PATH") ?? "";
  }

  /** @param env variables of the runner, in addition to those that every runner sets. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<RunnerJob> {
    const folder = await Deno.makeTempDir({ prefix: "aiotest-job-" });
    for (const name of ["workspace", "temp"]) await Deno.mkdir(`${folder}/${name}`);
    return new RunnerJob(folder, env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** What the steps have written into the summary of the job. */
  async summary(): Promise<string> {
    const parts = Array.from(
      { length: this.#steps },
      (_, at) => Deno.readTextFile(`${this.#folder}/summary-${at}`),
    );
    return (await Promise.all(parts)).join("");
  }

  /** Runs the script of a step. */
  async run(step: Step, context: ExpressionContext): Promise<StepResult> {
    const name = step.name ?? "a step without a name";
    assert.equal(step.shell ?? "bash", "bash", name);
    assert.ok(step.run !== undefined, name);
    const own = Object.entries(step.env ?? {})
      .map(([name, value]) => [name, evaluated(String(value), context)] as const);
    const at = this.#steps++;
    const file = async (name: string, content = ""): Promise<string> => {
      const path = `${this.#folder}/${name}-${at}`;
      await Deno.writeTextFile(path, content);
      return path;
    };
    const [output, path] = [await file("output"), await file("path")];
    const script = await file("script", evaluated(step.run, context));
    const command = new Deno.Command("bash", {
      args: ["--noprofile", "--norc", "-e", "-o", "pipefail", script],
      cwd: this.workspace,
      clearEnv: true,
      env: {
        HOME: this.#folder,
        PATH: this.#path,
        CI: "true",
        GITHUB_ACTIONS: "true",
        GITHUB_ACTION_PATH: projectPath("."),
        GITHUB_WORKSPACE: this.workspace,
        GITHUB_REPOSITORY: "owner/shop",
        GITHUB_SERVER_URL: "https://github.example",
        GITHUB_OUTPUT: output,
        GITHUB_PATH: path,
        GITHUB_STEP_SUMMARY: await file("summary"),
        RUNNER_TEMP: `${this.#folder}/temp`,
        RUNNER_OS: "Linux",
        RUNNER_ARCH: "X64",
        ...this.#env,
        ...Object.fromEntries(own),
      },
      stdin: "null",
    });
    const { code, stdout, stderr } = await command.output();
    const added = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
    this.#path = [...added.reverse(), this.#path].join(":");
    const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const lines = (await Deno.readTextFile(output)).split("\n").filter((line) => line !== "");
    const outputs = new Map(lines.map((line): [string, string] => {
      const [, name, value] = /^([\w-]+)=(.*)$/.exec(line) ?? [];
      assert.ok(name !== undefined, `no output: ${line}`);
      return [name, value!];
    }));
    return { code, stdout: text!, stderr: errors!, outputs };
  }

  /** Runs the steps of a composite action until one fails. */
  async use(
    { inputs, outputs, runs }: Action,
    given: Readonly<Record<string, string>>,
  ): Promise<StepResult> {
    for (const name of Object.keys(given)) assert.ok(name in inputs, `no input ${name}`);
    const context = new Map(
      Object.entries(inputs).map((
        [name, input],
      ) => [`inputs.${name}`, given[name] ?? input.default]),
    );
    // What steps that did not run would have set is empty.
    for (const { value } of Object.values(outputs)) {
      for (const [, path] of value.matchAll(/\$\{\{ (steps\.\S+) \}\}/g)) context.set(path!, "");
    }
    const all = { code: 0, stdout: "", stderr: "" };
    for (const step of runs.steps) {
      const result = await this.run(step, context);
      for (const [name, value] of result.outputs) {
        const path = `steps.${step.id}.outputs.${name}`;
        assert.ok(context.has(path), `${path} is no output of the action`);
        context.set(path, value);
      }
      all.code = result.code;
      all.stdout += result.stdout;
      all.stderr += result.stderr;
      if (all.code !== 0) break;
    }
    const values = Object.entries(outputs).map(([name, { value }]) =>
      [name, evaluated(value, context)] as const
    );
    return { ...all, outputs: new Map(values) };
  }
}

/** The commands to the runner in the output of a step, except those between `stop-commands` and its token. */
export function commandsIn(stdout: string): string[] {
  const commands: string[] = [];
  let token: string | null = null;
  for (const line of stdout.split("\n")) {
    const command = /^::(.*)$/.exec(line)?.[1];
    if (command === undefined) continue;
    if (token !== null) {
      if (command === `${token}::`) token = null;
    } else if (command.startsWith("stop-commands::")) {
      token = command.slice("stop-commands::".length);
      assert.match(token, /^[0-9a-f]{32}$/);
    } else commands.push(command);
  }
  assert.equal(token, null);
  return commands;
}
