/**
 * The summaries of earlier runs, in a directory: a file for each run, and an index of what lists show of them.
 *
 * Several processes may use a directory at the same time. Each run has a file of its own, which is replaced as a
 * whole. The index is a cache: what is missing in it, or was changed since, is read from the files again.
 *
 * @module
 */

import { basename, join } from "node:path";
import { systemReason, UsageError } from "../core/errors.ts";
import type { DiskFile, FolderFile } from "../core/files.ts";
import type { Host } from "../core/host.ts";
import type { OutputFile } from "../core/output_files.ts";
import { formatAmount } from "./quantity.ts";
import { isRunHead, type RunHead, runHead, type RunVerdict, verdictOf } from "./run_head.ts";
import { parseSummary } from "./summary_reader.ts";

/** A run whose summary is kept. */
export interface KeptRun {
  /** When it started, in UTC, and the start of its run id: `20261127-165459-1b9d6bcd`. */
  readonly id: string;
  /** The end of {@link id}, by which people name a run. */
  readonly shortId: string;
  readonly verdict: RunVerdict;
  /** `null` if its summary cannot be read. */
  readonly head: RunHead | null;
  /** Why it cannot be read, as a sentence without a full stop; `null` if it can. */
  readonly problem: string | null;
}

/** How much is kept. What is older is removed when a run is added. */
export interface HistoryLimits {
  readonly runs: number;
  /** Of all summaries together. */
  readonly bytes: number;
}

/** How much is kept by default. */
export const HISTORY_LIMITS: HistoryLimits = { runs: 500, bytes: 500_000_000 };

/** The parts of the {@link Host} that a history needs. */
export type HistoryHost = Pick<
  Host,
  "readTextFile" | "createTextFile" | "outputFile" | "openFile" | "filesIn" | "removeFile"
>;

const ID = /^\d{8}-\d{6}-([0-9a-z]{1,8})$/;
const SUMMARY = ".json";
const LOCK = ".lock";
const INDEX = "index.json";
const INDEX_VERSION = 1;

/** Nothing in the directory belongs into a repository. */
const IGNORE = ["# Summaries of aiotest's runs: see aiotest history.", "*", ""].join("\n");

/** How old a temporary file is that its process will not rename any more, in milliseconds. */
const ABANDONED_MS = 86_400_000;

/** What the index has of one file. */
interface Indexed {
  readonly size: number;
  readonly modifiedAt: number;
  readonly head: RunHead | null;
  readonly problem: string | null;
}

/** The id of a run in a history. */
export function historyId(runId: string, startedAt: number): string {
  const [day, time] = new Date(startedAt).toISOString().replaceAll(/[-:]|\..*/g, "").split("T");
  const own = runId.toLowerCase().replaceAll(/[^0-9a-z]/g, "").slice(0, 8);
  return `${day}-${time}-${own === "" ? "0" : own}`;
}

/** Whether a text is the id of a run, which can be part of a path. */
export function isHistoryId(text: string): boolean {
  return ID.test(text);
}

/** The runs of one directory. */
export class RunHistory {
  /** The directory as the user gave it. */
  readonly directory: string;
  readonly #host: HistoryHost;
  readonly #path: string;
  #known: ReadonlyMap<string, Indexed> | null = null;
  #listing: Promise<readonly KeptRun[]> | null = null;

  /**
   * Touches nothing yet.
   *
   * @param path the full path of the directory, which may not exist.
   * @param directory the path for messages.
   */
  constructor(host: HistoryHost, path: string, directory: string) {
    this.#host = host;
    this.#path = path;
    this.directory = directory;
  }

  /**
   * All runs, the oldest first. Only what has changed since the last list is read, and nothing is written if the
   * directory is read-only.
   */
  list(): Promise<readonly KeptRun[]> {
    return this.#listing ??= this.#list().finally(() => this.#listing = null);
  }

  async #list(): Promise<readonly KeptRun[]> {
    const files = await this.#summaries();
    const known = this.#known ?? await this.#readIndex();
    let isChanged = known.size !== files.length;
    const indexed = new Map<string, Indexed>();
    for (const { name, size, modifiedAt } of files) {
      const before = known.get(name);
      const isSame = before?.size === size && before.modifiedAt === modifiedAt;
      isChanged ||= !isSame;
      indexed.set(name, isSame ? before : { size, modifiedAt, ...await this.#headOf(name) });
    }
    this.#known = indexed;
    if (isChanged) await this.#writeIndex(indexed);
    return Array.from(indexed, ([name, { head, problem }]) => this.#keptRun(name, head, problem));
  }

  #keptRun(name: string, head: RunHead | null, problem: string | null): KeptRun {
    const id = name.slice(0, -SUMMARY.length);
    const shortId = ID.exec(id)![1]!;
    if (head === null) return { id, shortId, verdict: "unreadable", head, problem };
    // Whether a run is going can change without a change of its summary.
    const verdict = verdictOf(head, head.state === "running" && this.#isGoing(id));
    return { id, shortId, verdict, head, problem };
  }

  async #summaries(): Promise<FolderFile[]> {
    const files = await this.#host.filesIn(this.#path);
    return files.filter(({ name }) => name.endsWith(SUMMARY) && ID.test(basename(name, SUMMARY)));
  }

  async #headOf(name: string): Promise<Pick<Indexed, "head" | "problem">> {
    try {
      const text = await this.#host.readTextFile(join(this.#path, name));
      return { head: runHead(parseSummary(text, name), name), problem: null };
    } catch (error) {
      const problem = error instanceof UsageError
        ? error.message
        : `${name} cannot be read: ${systemReason(error)}`;
      return { head: null, problem };
    }
  }

  /** Empty if there is no index, or one of another version. */
  async #readIndex(): Promise<ReadonlyMap<string, Indexed>> {
    try {
      const { version, files } = JSON.parse(
        await this.#host.readTextFile(join(this.#path, INDEX)),
      );
      if (version !== INDEX_VERSION) return new Map();
      return new Map(Object.entries<Indexed>(files).filter(([, one]) => isIndexed(one)));
    } catch {
      return new Map();
    }
  }

  async #writeIndex(indexed: ReadonlyMap<string, Indexed>): Promise<void> {
    try {
      const content = { version: INDEX_VERSION, files: Object.fromEntries(indexed) };
      await this.#host.outputFile(join(this.#path, INDEX)).write([JSON.stringify(content)]);
    } catch {
      // It only saves time.
    }
  }

  /**
   * The run that a text means: `last`, `last~1` for the one before, or the start of an id.
   *
   * @throws UsageError that names runs if it means none, or several.
   */
  async find(text: string): Promise<KeptRun> {
    const runs = await this.list();
    const back = /^last(?:~(\d+))?$/.exec(text);
    if (back !== null) return this.#lastRun(runs, text, Number(back[1] ?? 0));
    const wanted = text.toLowerCase();
    const found = runs.filter(({ id, shortId, head }) =>
      [id, shortId, head?.runId.toLowerCase()].some((one) => one?.startsWith(wanted))
    );
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      throw new UsageError(
        `${text} is the start of several runs in ${this.directory}: ${namesOf(found)}`,
        "Give one more character of the id.",
      );
    }
    throw new UsageError(`${text}: no such run in ${this.directory}`, this.#whatThereIs(runs));
  }

  /** Runs in progress do not count: they would not be those that were meant. */
  #lastRun(runs: readonly KeptRun[], text: string, back: number): KeptRun {
    const ended = runs.filter(({ verdict }) => verdict !== "running" && verdict !== "unreadable");
    const found = ended[ended.length - 1 - back];
    if (found !== undefined) return found;
    const count = ended.length === 0
      ? "none has"
      : `only ${formatAmount(ended.length, "run")} ${ended.length === 1 ? "has" : "have"}`;
    throw new UsageError(
      `${text}: of the runs in ${this.directory}, ${count} ended`,
      this.#whatThereIs(runs),
    );
  }

  #whatThereIs(runs: readonly KeptRun[]): string {
    return runs.length === 0
      ? `There are no runs in ${this.directory}.`
      : `There are ${namesOf(runs)}. For all, run aiotest history.`;
  }

  /** The file of a run, for messages. @param id as {@link isHistoryId} accepts it. */
  fileOf(id: string): string {
    return join(this.directory, `${id}${SUMMARY}`);
  }

  /**
   * The summary of a run, which is still to be parsed.
   *
   * @param id as {@link isHistoryId} accepts it.
   * @throws UsageError if there is none, or if it cannot be read.
   */
  async readText(id: string): Promise<string> {
    const path = this.#pathOf(id, SUMMARY);
    try {
      return await this.#host.readTextFile(path);
    } catch (error) {
      const isMissing = nameOf(error) === "NotFound";
      throw new UsageError(
        isMissing
          ? `${id}: no such run in ${this.directory}`
          : `cannot read ${this.fileOf(id)}: ${systemReason(error)}`,
        "",
        error,
      );
    }
  }

  /**
   * Creates the directory, if there is none, and opens the file of a run.
   *
   * @throws Error whose message says in plain words why it cannot be written.
   */
  async open(id: string): Promise<OutputFile> {
    try {
      await this.#host.createTextFile(join(this.#path, ".gitignore"), IGNORE);
    } catch (error) {
      if (nameOf(error) !== "AlreadyExists") throw error;
    }
    return this.#host.outputFile(this.#pathOf(id, SUMMARY));
  }

  /**
   * Marks a run as going on, until the process ends or the returned function is called. `null` if that is not
   * possible, as on some network drives: then it is listed as interrupted before its end.
   */
  markAsGoing(id: string): (() => Promise<void>) | null {
    const path = this.#pathOf(id, LOCK);
    let lock: DiskFile;
    try {
      lock = this.#host.openFile(path, { create: true });
    } catch {
      return null;
    }
    return async () => {
      lock.close();
      await this.#host.removeFile(path).catch(() => {});
    };
  }

  /** Whether the process of a run that has not ended still has its lock. */
  #isGoing(id: string): boolean {
    const path = this.#pathOf(id, LOCK);
    try {
      this.#host.openFile(path, { create: false }).close();
    } catch (error) {
      return nameOf(error) === "Busy";
    }
    void this.#host.removeFile(path).catch(() => {});
    return false;
  }

  /** Removes a run. Rejects with errors of the system. @param id as {@link isHistoryId} accepts it. */
  async remove(id: string): Promise<void> {
    await this.#host.removeFile(this.#pathOf(id, SUMMARY));
    await this.#host.removeFile(this.#pathOf(id, LOCK));
  }

  /**
   * Removes the oldest runs beyond the limits, and what processes have left that were killed. Runs in progress
   * stay. Resolves with the number of runs removed; rejects with errors of the system.
   *
   * @param now in milliseconds since 1970.
   */
  async prune({ runs, bytes }: HistoryLimits, now: number): Promise<number> {
    const files = await this.#host.filesIn(this.#path);
    for (const { name, modifiedAt } of files) {
      const isLeft = name.startsWith(".aiotest-") && now - modifiedAt > ABANDONED_MS;
      if (isLeft) await this.#host.removeFile(join(this.#path, name));
    }
    const sizes = new Map(files.map(({ name, size }) => [name, size]));
    let [kept, total, removed] = [0, 0, 0];
    for (const { id, verdict } of (await this.list()).toReversed()) {
      const size = sizes.get(`${id}${SUMMARY}`) ?? 0;
      // The newest one is kept, however large it is.
      const fits = kept < runs && (kept === 0 || total + size <= bytes);
      if (fits || verdict === "running") {
        kept++;
        total += size;
      } else {
        await this.remove(id);
        removed++;
      }
    }
    if (removed > 0) await this.list();
    return removed;
  }

  #pathOf(id: string, suffix: string): string {
    if (!isHistoryId(id)) throw new TypeError(`not the id of a run: ${id}`);
    return join(this.#path, `${id}${suffix}`);
  }
}

/** Whether a value of the index is one of ours. */
function isIndexed(value: Indexed): boolean {
  const { size, modifiedAt, head, problem } = value;
  return typeof size === "number" && typeof modifiedAt === "number" &&
    (typeof problem === "string" ? head === null : problem === null && isRunHead(head));
}

/** How many runs a message names. */
const NAMED = 5;

/** The ids of some runs, the newest first. */
function namesOf(runs: readonly KeptRun[]): string {
  const names = runs.toReversed().slice(0, NAMED).map(({ shortId, head }) =>
    head?.name === null || head === null ? shortId : `${shortId} (${head.name})`
  );
  const more = runs.length - names.length;
  return `${names.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
