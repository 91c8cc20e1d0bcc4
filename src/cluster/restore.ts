/**
 * Opening journals: a new one for a new run, or an existing one, from which the state of its run is
 * restored.
 *
 * @module
 */

import { errorText, systemReason, UsageError } from "../core/errors.ts";
import type { DiskFile } from "../core/files.ts";
import type { Host } from "../core/host.ts";
import { decodeMessage } from "./codec.ts";
import { concatenated } from "./frames.ts";
import {
  encodeRecord,
  Journal,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  noRun,
  type RunJournal,
  type RunRecord,
} from "./journal.ts";
import type { RunPause } from "../stats/run_pauses.ts";
import { countedMetrics } from "./report.ts";
import { RunState, type WorkerState } from "./run_state.ts";

type Files = Pick<Host, "openFile">;

/** How a journal is opened. */
export interface JournalOptions {
  readonly path: string;
  /** Is called at most once: from then on nothing is written, and the run cannot be resumed. */
  readonly onFailure: (reason: string) => void;
}

/** A run that this master resumes. */
export interface ResumedRun {
  /** Its state has the epoch of this master. */
  readonly run: RestoredRun;
  readonly journal: RunJournal;
}

/** A run as described by its journal. */
export interface RestoredRun {
  /** With the totals, all workers, and the epoch of the previous master. */
  readonly state: RunState;
  /** Users by class that each present worker was told to run, by its incarnation. */
  readonly assigned: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** The target number of users in the last second, and the number that was running. */
  readonly targetUsers: number;
  readonly runningUsers: number;
  /** The number of users of the first target, once they were running; null before. */
  readonly startedUsers: number | null;
  /** The pauses of the run, oldest first. The last one may not have ended. */
  readonly pauses: readonly RunPause[];
  /** Changes of the load by hand, oldest first. */
  readonly steered: readonly JournalRecord<"steered">[];
  /** Null until all users were to stop. */
  readonly stopping: StoppingRun | null;
}

/** A run whose users are to stop. */
export interface StoppingRun {
  readonly finalUsers: number;
  readonly elapsedSeconds: number;
}

/** A record about state that the nodes share. */
export type SharedRecord = JournalRecord<"call" | "settled" | "membership">;

/**
 * Creates the journal of a new run, in a file that is new or empty.
 *
 * @throws UsageError if the file is not empty or cannot be opened.
 */
export async function createJournal(
  files: Files,
  run: JournalRecord<"run">,
  { path, onFailure }: JournalOptions,
): Promise<RunJournal> {
  const what = `--journal ${path}`;
  const file = open(files, path, what, true);
  // In one write, so that a master that is killed leaves a run, or an empty file.
  const begin = concatenated([JOURNAL_HEAD, encodeRecord(run)]);
  try {
    if (file.size() > 0) throw await occupied(file, path, what);
    write(what, () => file.append(begin));
  } catch (error) {
    file.close();
    throw error;
  }
  return new Journal(file, begin.length, onFailure);
}

/**
 * Takes over a run from the master that wrote this journal.
 *
 * @param onShared is called with the records about shared state, in order.
 * @throws UsageError if the file is not a journal, is damaged, or its run cannot be resumed.
 */
export async function resumeJournal(
  files: Files,
  { path, onFailure }: JournalOptions,
  onShared: (record: SharedRecord) => void = () => {},
): Promise<ResumedRun> {
  const what = `--resume ${path}`;
  const file = open(files, path, what, false);
  try {
    const reader = new JournalReader(file, what);
    const run = await restoreRun(reader.records(), what, onShared);
    const { goodBytes } = reader;
    run.state.epoch++;
    const epoch = encodeRecord({ type: "epoch", epoch: run.state.epoch });
    write(what, () => {
      file.truncate(goodBytes);
      file.append(epoch);
    });
    return { run, journal: new Journal(file, goodBytes + epoch.length, onFailure) };
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Restores a run from the records of its journal.
 *
 * @param what the option and the file, for errors.
 * @param onShared is called with the records about shared state, in order.
 * @throws UsageError if the run cannot be resumed or the journal contradicts itself.
 */
export async function restoreRun(
  records: AsyncIterable<RunRecord> | Iterable<RunRecord>,
  what: string,
  onShared: (record: SharedRecord) => void = () => {},
): Promise<RestoredRun> {
  let replay: Replay | null = null;
  for await (const record of records) {
    if (replay !== null) replay.apply(record);
    else if (record.type === "run") replay = new Replay(record, what, onShared);
    else throw contradiction(what, `the run comes after ${record.type}`);
  }
  if (replay === null) throw noRun(what);
  return replay;
}

class Replay implements RestoredRun {
  readonly state: RunState;
  readonly assigned = new Map<string, Readonly<Record<string, number>>>();
  targetUsers = 0;
  runningUsers = 0;
  startedUsers: number | null = null;
  readonly pauses: RunPause[] = [];
  readonly steered: JournalRecord<"steered">[] = [];
  stopping: StoppingRun | null = null;
  readonly #what: string;
  readonly #onShared: (record: SharedRecord) => void;

  constructor(
    { runId, testfileHash }: JournalRecord<"run">,
    what: string,
    onShared: (record: SharedRecord) => void,
  ) {
    this.state = new RunState(runId, testfileHash);
    this.#what = what;
    this.#onShared = onShared;
  }

  apply(record: RunRecord): void {
    switch (record.type) {
      case "run":
        throw contradiction(this.#what, `there is a second run, ${record.runId}`);
      case "epoch":
        this.state.epoch = record.epoch;
        return;
      case "worker":
        return this.#addWorker(record);
      case "begin":
        this.state.startedAt = record.startedAt;
        return;
      case "report":
        return this.#applyReport(record);
      case "phase":
        return this.state.reset(record.resetCount, record.elapsedSeconds);
      case "metrics":
        return this.#addMetrics(record);
      case "time":
        this.state.elapsedSeconds = record.elapsedSeconds;
        this.targetUsers = record.targetUsers;
        this.runningUsers = record.runningUsers;
        return;
      case "assigned":
        return this.#assign(record);
      case "membership":
        this.#setMembership(record);
        return this.#onShared(record);
      case "call":
      case "settled":
        return this.#onShared(record);
      case "started":
        this.startedUsers = record.userCount;
        return;
      case "steered":
        this.steered.push(record);
        return;
      case "pause":
        this.state.elapsedSeconds = record.elapsedSeconds;
        return this.#pause(record);
      case "stopping": {
        const { finalUsers, elapsedSeconds } = record;
        this.stopping = { finalUsers, elapsedSeconds };
        this.state.elapsedSeconds = elapsedSeconds;
        return;
      }
      case "setup":
        this.state.setupData = record.data;
        return;
      case "runEnd": {
        const { kind, reason, node } = record;
        this.state.runEnd = { kind, reason, node };
        return;
      }
      case "annotation": {
        const { kind, atSeconds, text, node } = record;
        return this.state.annotate({ kind, atSeconds, text, node: node === "" ? null : node });
      }
      case "ended":
        throw new UsageError(
          `${this.#what}: the run ${this.state.runId} has already ended`,
          "There is nothing to resume. Start a new run with --journal and another file.",
        );
    }
  }

  #addWorker({ id, incarnation, index, host }: JournalRecord<"worker">): void {
    const { index: number } = this.state.addWorker({ id, incarnation, host });
    if (number !== index) {
      throw contradiction(this.#what, `worker ${id} is ${number}, not ${index}`);
    }
  }

  #pause({ isPaused, elapsedSeconds }: JournalRecord<"pause">): void {
    if (isPaused) return void this.pauses.push({ from: elapsedSeconds, to: null });
    const pause = this.pauses.pop();
    if (pause === undefined) throw contradiction(this.#what, "a pause ends that has not begun");
    this.pauses.push({ ...pause, to: elapsedSeconds });
  }

  #assign({ incarnation, classes }: JournalRecord<"assigned">): void {
    const worker = this.#worker(incarnation);
    // No worker is assigned anything before the test has started.
    worker.begun = true;
    if (worker.membership === "present") this.assigned.set(incarnation, classes);
  }

  #setMembership({ incarnation, membership }: JournalRecord<"membership">): void {
    const worker = this.#worker(incarnation);
    if (membership === "lost") worker.lose(this.state.elapsedSeconds);
    this.state.setMembership(worker, membership);
    // Its users are run by others.
    if (membership !== "present") this.assigned.delete(incarnation);
    if (membership === "present") worker.returned(this.state.elapsedSeconds);
  }

  #applyReport({ incarnation, payload }: JournalRecord<"report">): void {
    const worker = this.#worker(incarnation);
    worker.begun = true;
    let verdict: string;
    try {
      const message = decodeMessage(payload);
      verdict = message.type === "REPORT" ? this.state.apply(worker, message) : message.type;
    } catch (error) {
      throw contradiction(this.#what, `a report of worker ${worker.id}: ${errorText(error)}`);
    }
    if (verdict === "apply") return;
    throw contradiction(
      this.#what,
      `a report of worker ${worker.id} is not the next one: ${verdict}`,
    );
  }

  #addMetrics({ metrics }: JournalRecord<"metrics">): void {
    try {
      this.state.totals.addMetrics(countedMetrics(metrics));
    } catch (error) {
      throw contradiction(this.#what, `metrics of the master: ${errorText(error)}`);
    }
  }

  #worker(incarnation: string): WorkerState {
    const worker = this.state.worker(incarnation);
    if (worker === undefined) throw contradiction(this.#what, `there is no worker ${incarnation}`);
    return worker;
  }
}

function contradiction(what: string, why: string): UsageError {
  return new UsageError(
    `${what}: the journal contradicts itself: ${why}`,
    "Use the version of aiotest that wrote it.",
  );
}

function open(files: Files, path: string, what: string, create: boolean): DiskFile {
  try {
    return files.openFile(path, { create });
  } catch (error) {
    if (error instanceof Deno.errors.Busy) {
      throw new UsageError(`${what}: another aiotest is using the file`, "Stop that one first.");
    }
    if (error instanceof Deno.errors.NotFound && !create) {
      throw new UsageError(
        `${what}: there is no such file`,
        "A master with --journal FILE creates it before it waits for workers.",
      );
    }
    throw new UsageError(`${what}: the file cannot be opened (${systemReason(error)})`);
  }
}

/** Writes while a failure can still end the run. */
function write(what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new UsageError(`${what}: the file cannot be written (${systemReason(error)})`);
  }
}

/** Explains why a file that is not empty is not used for a new journal. */
async function occupied(file: DiskFile, path: string, what: string): Promise<UsageError> {
  try {
    const { value: first } = await new JournalReader(file, what).records().next();
    if (first?.type === "run") {
      return new UsageError(
        `${what}: the file contains the run ${first.runId}`,
        `To resume it, use --resume ${path}. For a new run, choose another file.`,
      );
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  return new UsageError(
    `${what}: the file already exists and is not overwritten`,
    "Choose a file that does not exist.",
  );
}
