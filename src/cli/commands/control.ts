/**
 * `aiotest control`: watches and steers a run over the API of its dashboard.
 *
 * @module
 */

import { ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { REPORT_FORMATS } from "../../web/report_formats.ts";
import { type KnownRun, loadText, statusLine, statusValue } from "../control_status.ts";
import { CommandRefused, DashboardClient } from "../dashboard_client.ts";
import { commandFlags, type FlagTexts, parseAll } from "../flag_parser.ts";
import { readPemFile } from "../option_files.ts";
import { type OptionType, positiveNumber, wholeNumber } from "../option_types.ts";
import { openOutputs, requestedFiles, writeOutput } from "../report_files.ts";

const HELP = "aiotest control --help";

/** What a command is given. */
interface Given {
  readonly host: Host;
  readonly client: DashboardClient;
  readonly flags: FlagTexts;
  /** What follows the command, if it takes something. */
  readonly value: string;
}

interface ControlCommand {
  /** The flags that it takes. */
  readonly flags: readonly string[];
  /** What follows it; missing if nothing does. */
  readonly takes?: OptionType<number>;
  /** Resolves with the exit code. */
  run(given: Given): Promise<number>;
}

const USERS = wholeNumber(0);

/** Iterations per second. */
const ARRIVAL_RATE: OptionType<number> = {
  expected: "a number of 0 or more",
  types: ["number"],
  parse: (text) => /^0+(\.0*)?$/.test(text) ? 0 : positiveNumber.parse(text),
};

/** The fields of a load, by the flags that give them. */
const LOAD_FLAGS: Readonly<Record<string, readonly [field: string, type: OptionType<number>]>> = {
  users: ["users", USERS],
  rate: ["rate", positiveNumber],
  "arrival-rate": ["arrivalRate", ARRIVAL_RATE],
  "max-users": ["maxUsers", wholeNumber(1)],
};

/** Takes an option of the last run away. */
const NONE = "none";

/** What the flags of a further run become; the dashboard checks them as it checks its form. */
const RUN_FLAGS: Readonly<Record<string, readonly [field: string, of: (text: string) => unknown]>> =
  {
    host: ["host", (text) => text],
    "run-time": ["runTime", (text) => text === NONE ? null : text],
    iterations: ["iterations", (text) => text === NONE ? null : Number(text)],
    "user-classes": ["userClasses", (text) => text === NONE ? [] : text.split(",")],
    tags: ["tags", (text) => text === NONE ? [] : text.split(",")],
    name: ["name", (text) => text],
  };

const COMMANDS: Readonly<Record<string, ControlCommand>> = {
  status: { flags: ["json", "watch"], run: showStatus },
  users: {
    flags: ["rate"],
    takes: USERS,
    run: async (given) =>
      await order(given, "target", { users: Number(given.value), ...loadOf(given) }),
  },
  "arrival-rate": {
    flags: ["max-users"],
    takes: ARRIVAL_RATE,
    run: async (given) =>
      await order(given, "target", { arrivalRate: Number(given.value), ...loadOf(given) }),
  },
  pause: { flags: [], run: (given) => order(given, "pause", {}) },
  resume: { flags: [], run: (given) => order(given, "resume", {}) },
  stop: { flags: [], run: (given) => order(given, "stop", {}) },
  quit: { flags: [], run: (given) => order(given, "quit", {}) },
  start: {
    flags: [...Object.keys(LOAD_FLAGS), ...Object.keys(RUN_FLAGS), "label", "option"],
    run: async (given) => await order(given, "start", { ...loadOf(given), ...runOf(given) }),
  },
  report: { flags: Object.keys(REPORT_FORMATS), run: writeReports },
};

/**
 * Carries out a command; resolves with the exit code.
 *
 * @throws UsageError if an argument is invalid, or the dashboard cannot be reached or refuses.
 */
export async function runControl(host: Host): Promise<number> {
  const { flags, operands } = parseAll(host.args, commandFlags("control"), HELP);
  const [, address, word, ...rest] = operands;
  if (address === undefined) {
    throw new UsageError(
      "control: expected the address of a dashboard, and a command",
      "Try: aiotest control http://127.0.0.1:8089 status",
    );
  }
  const url = urlOf(address);
  const known = Object.keys(COMMANDS).join(", ");
  if (word === undefined) throw new UsageError(`control: expected a command: ${known}`);
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word]! : null;
  if (command === null) throw new UsageError(`control: unknown command ${word}: expected ${known}`);
  const value = valueOf(word, command, rest);
  checkFlags(word, command, flags);
  const ca = flags.get("ca")?.at(-1) ?? null;
  const client = new DashboardClient({
    url,
    token: host.env("AIOTEST_WEB_TOKEN") || null,
    caCert: ca === null ? null : await readPemFile(host, "ca", ca),
  });
  return await command.run({ host, client, flags, value });
}

/** @throws UsageError if it is no address of a web server. */
function urlOf(address: string): string {
  const full = /^\w+:\/\//.test(address)
    ? address
    : /^:?\d+$/.test(address)
    ? `http://127.0.0.1:${address.replace(":", "")}`
    : `http://${address}`;
  const url = URL.parse(full);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(
      `control ${address}: expected the address of a dashboard`,
      "Write it as http://127.0.0.1:8089, or as 127.0.0.1:8089. The log of a run names it.",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(
      "control: the address of the dashboard must not contain a password",
      "Set AIOTEST_WEB_TOKEN to the token of the run.",
    );
  }
  return `${url.origin}${url.pathname.replace(/\/*$/, "/")}`;
}

/** What follows a command. @throws UsageError if it is missing, invalid or too much. */
function valueOf(word: string, { takes }: ControlCommand, rest: readonly string[]): string {
  const [value] = rest;
  const stray = rest[takes === undefined ? 0 : 1];
  if (stray !== undefined) {
    throw new UsageError(`control ${word}: unexpected ${stray}`, `For help, run ${HELP}.`);
  }
  if (takes === undefined) return "";
  if (value === undefined || takes.parse(value) === null) {
    throw new UsageError(
      `control ${word}${value === undefined ? "" : ` ${value}`}: expected ${takes.expected}`,
    );
  }
  return value;
}

/** @throws UsageError for a flag that a command does not take. */
function checkFlags(word: string, command: ControlCommand, flags: FlagTexts): void {
  for (const flag of flags.keys()) {
    if (flag === "ca" || command.flags.includes(flag)) continue;
    const { flags: own } = command;
    const taken = own.length === 0 ? "no options" : own.map((one) => `--${one}`).join(", ");
    throw new UsageError(`--${flag} cannot be used with control ${word}, which takes ${taken}`);
  }
}

/** The load that the flags give. @throws UsageError if a value is invalid. */
function loadOf({ flags }: Given): Record<string, number> {
  const load: Record<string, number> = {};
  for (const [flag, [field, type]] of Object.entries(LOAD_FLAGS)) {
    const text = flags.get(flag)?.at(-1) ?? null;
    if (text === null) continue;
    const value = type.parse(text);
    if (value === null) throw new UsageError(`--${flag} ${text}: expected ${type.expected}`);
    load[field] = value;
  }
  return load;
}

/** What else the flags of a further run give. @throws UsageError if a label or an option has no value. */
function runOf({ flags }: Given): Record<string, unknown> {
  const fields = Object.entries(RUN_FLAGS).flatMap(([flag, [field, of]]) => {
    const text = flags.get(flag)?.at(-1) ?? null;
    return text === null ? [] : [[field, of(text)] as const];
  });
  const pairs = (flag: "label" | "option"): Record<string, unknown> =>
    Object.fromEntries((flags.get(flag) ?? []).map((text) => pairOf(flag, text!)));
  return {
    ...Object.fromEntries(fields),
    ...(flags.has("label") ? { labels: pairs("label") } : {}),
    ...(flags.has("option") ? { options: pairs("option") } : {}),
  };
}

function pairOf(flag: string, text: string): readonly [name: string, value: unknown] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--${flag} ${text}: expected NAME=VALUE`);
  const value = text.slice(at + 1);
  // A switch of the test file has no other values.
  const isSwitch = flag === "option" && (value === "true" || value === "false");
  return [text.slice(0, at), isSwitch ? value === "true" : value];
}

/**
 * Sends a command.
 *
 * @throws UsageError if it is refused.
 */
async function order(
  { client, host: { args } }: Given,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<number> {
  // What answers may be no dashboard: nothing is sent to others.
  const { live } = await client.view();
  try {
    await client.command(`api/${path}`, body);
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error;
    throw new UsageError(
      `${args.slice(2).join(" ")}: ${error.reason}`,
      path === "target" ? `Its load now: ${loadText(live)}.` : "",
    );
  }
  return ExitCode.passed;
}

/** Prints the state of the run, once or every second until its end. */
async function showStatus({ host, client, flags }: Given): Promise<number> {
  const file = flags.get("json")?.at(-1) ?? null;
  if (file !== null) {
    throw new UsageError(`--json ${file}: with control status, --json takes no file`);
  }
  const print = (run: KnownRun): void => {
    const text = flags.has("json") ? JSON.stringify(statusValue(run)) : statusLine(run);
    host.stdout.write(`${text}\n`);
  };
  if (!flags.has("watch")) {
    print(await client.view());
    return ExitCode.passed;
  }
  let known: Pick<KnownRun, "runId" | "name"> | null = null;
  for await (const event of client.events()) {
    if ("runId" in event) known = { runId: event.runId, name: event.name };
    if (known === null) continue;
    print({ ...event, ...known });
    if (event.exitCode !== null) return event.exitCode;
  }
  throw new UsageError(
    "control status: the connection to the dashboard has ended before the run",
    "Its process may have been killed, or a proxy may have cut the connection.",
  );
}

/** Downloads reports of the run at this moment. */
async function writeReports({ host, client, flags }: Given): Promise<number> {
  const options = Object.fromEntries(
    Object.keys(REPORT_FORMATS).map((name) => [name, flags.get(name)?.at(-1) ?? null]),
  ) as Parameters<typeof requestedFiles>[0];
  const requested = requestedFiles(options);
  if (requested.length === 0) {
    throw new UsageError(
      "control report: expected a file to write",
      "Try: aiotest control http://127.0.0.1:8089 report --html report.html",
    );
  }
  let code: number = ExitCode.passed;
  for (const output of await openOutputs(host, requested, [])) {
    const parts = await client.download(`api/report/${output.kind}`);
    // The head of a table of which the run has nothing.
    if (output.isEmpty !== undefined && parts.join("").trim().split("\n").length < 2) continue;
    const problem = await writeOutput(output, () => parts);
    if (problem === null) continue;
    host.stderr.write(`aiotest: ${problem}\n`);
    code = ExitCode.failures;
  }
  return code;
}
