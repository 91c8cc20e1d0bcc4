/**
 * `aiotest history`: lists earlier runs, prints the report of one, and removes some.
 *
 * @module
 */

import { ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { VERSION } from "../../core/version.ts";
import { consoleAbilities } from "../../report/console.ts";
import { historyJson, historyTable, noRunsText } from "../../report/history_table.ts";
import { formatAmount } from "../../report/quantity.ts";
import type { KeptRun, RunHistory } from "../../report/run_history.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { historyEnvironment, historyIn } from "../history.ts";
import { wholeNumber } from "../option_types.ts";
import { HISTORY_SETTINGS, type SettingsOf } from "../settings.ts";
import { Sources } from "../sources.ts";
import { findRun } from "../summary_file.ts";
import { printReport } from "./report.ts";

const HELP = "aiotest history --help";

/**
 * Lists, shows or removes runs; resolves with the exit code.
 *
 * @throws UsageError if there is no such run, or an argument is invalid.
 */
export async function runHistory(host: Host): Promise<number> {
  const { action, runs, name, keepLast, asJson, ...options } = readArguments(host);
  const history = historyIn(host, options.history);
  switch (action) {
    case "show":
      return await showRun(host, history, runs);
    case "rm":
      return await removeRuns(host, history, { runs, keepLast });
    case "list":
      return await listRuns(host, history, { name, asJson });
  }
}

interface HistoryArguments extends SettingsOf<"history"> {
  readonly action: "list" | "show" | "rm";
  /** As they were given. */
  readonly runs: readonly string[];
  readonly asJson: boolean;
  /** `null`: it was not given. */
  readonly keepLast: number | null;
}

function readArguments(host: Host): HistoryArguments {
  const { flags, operands } = parseAll(host.args, commandFlags("history"), HELP);
  const [, word, ...runs] = operands;
  if (word !== undefined && word !== "show" && word !== "rm") {
    throw new UsageError(
      `history ${word}: expected show or rm`,
      `To print the report of a run: aiotest history show ${word}`,
    );
  }
  const action = word ?? "list";
  const given = (["name", "json", "keep-last"] as const).filter((flag) => flags.has(flag));
  const refused = given.find((flag) => flag === "keep-last" ? action !== "rm" : action !== "list");
  if (refused !== undefined) {
    throw new UsageError(
      `--${refused} cannot be used with history${word === undefined ? "" : ` ${word}`}`,
      refused === "keep-last" ? "Try: aiotest history rm --keep-last 20" : "",
    );
  }
  const { values } = new Sources(flags, historyEnvironment(host), null).readAll(HISTORY_SETTINGS);
  const text = flags.get("keep-last")?.at(-1) ?? null;
  return {
    ...values,
    ...{ action, runs },
    asJson: flags.has("json"),
    keepLast: text === null ? null : keepLastOf(text),
  };
}

function keepLastOf(text: string): number {
  const type = wholeNumber(0);
  const count = type.parse(text);
  if (count === null) throw new UsageError(`--keep-last ${text}: expected ${type.expected}`);
  return count;
}

async function listRuns(
  host: Host,
  history: RunHistory,
  { name, asJson }: Pick<HistoryArguments, "name" | "asJson">,
): Promise<number> {
  const all = await history.list();
  const runs = name === null ? all : all.filter(({ head }) => head?.name === name);
  const { directory } = history;
  if (asJson) {
    for (const part of historyJson(runs, { directory, version: VERSION })) host.stdout.write(part);
    return ExitCode.passed;
  }
  const { color } = consoleAbilities(host.stdout, (variable) => host.env(variable));
  const size = { columns: host.stdout.columns, color };
  host.stdout.write(
    runs.length === 0 ? noRunsText(directory, name, size) : historyTable(runs, size),
  );
  return ExitCode.passed;
}

async function showRun(
  host: Host,
  history: RunHistory,
  runs: readonly string[],
): Promise<number> {
  const [text, stray] = runs;
  if (text === undefined) {
    throw new UsageError("history show: expected a run", "Try: aiotest history show last");
  }
  if (stray !== undefined) {
    throw new UsageError(`history show: expected one run, but there is a second one: ${stray}`);
  }
  const { id } = await findRun(history, text);
  await printReport(host, history.fileOf(id));
  return ExitCode.passed;
}

async function removeRuns(
  host: Host,
  history: RunHistory,
  { runs, keepLast }: Pick<HistoryArguments, "runs" | "keepLast">,
): Promise<number> {
  if ((runs.length === 0) === (keepLast === null)) {
    throw new UsageError(
      runs.length === 0
        ? "history rm: expected a run, or --keep-last N"
        : "history rm takes either runs or --keep-last",
      "Try: aiotest history rm 1b9d, or: aiotest history rm --keep-last 20",
    );
  }
  const chosen = keepLast === null
    ? await Promise.all(runs.map((text) => history.find(text)))
    : olderThanLast(await history.list(), keepLast);
  const going = chosen.find(({ verdict }) => verdict === "running");
  if (going !== undefined) {
    throw new UsageError(`${going.shortId} cannot be removed: it is running`);
  }
  // A run may have been named twice.
  const ids = new Set(chosen.map(({ id }) => id));
  for (const id of ids) await history.remove(id);
  const kept = (await history.list()).length;
  host.stdout.write(
    `Removed ${formatAmount(ids.size, "run")} from ${history.directory}; ${kept} ${
      kept === 1 ? "is" : "are"
    } left.\n`,
  );
  return ExitCode.passed;
}

function olderThanLast(runs: readonly KeptRun[], count: number): readonly KeptRun[] {
  return runs.slice(0, Math.max(0, runs.length - count))
    .filter(({ verdict }) => verdict !== "running");
}
