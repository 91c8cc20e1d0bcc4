import { errorText, UsageError } from "../core/errors.ts";
import type { DiskFile } from "../core/files.ts";
import type { Host } from "../core/host.ts";
import { decodeMessage } from "./codec.ts";
import {
  encodeRecord,
  Journal,
  JOURNAL_HEAD,
  JournalReader,
  type JournalRecord,
  type RunJournal,
} from "./journal.ts";
import { RunState, type WorkerState } from "./run_state.ts";

/** What a journal says of what the nodes share. */
export type SharedRecord = JournalRecord<"call" | "settled" | "membership">;

/** A run as its journal tells it: what another master needs to go on with it. */
export interface RestoredRun {
  /** With the totals, the epoch of the master before, and all members as they stood to the run. */
  readonly state: RunState;
  /** Users by class that each worker which has not gone was told to run, by its incarnation. */
  readonly assigned: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** How many users there should have been in the last second of it, and how many ran. */
  readonly targetUsers: number;
  readonly runningUsers: number;
  /** Users of the first target, once they ran; null before. */
  readonly startedUsers: number | null;
  /** How the load was changed by hand, oldest first. */
  readonly steered: readonly JournalRecord<"steered">[];
  /** Set once all users were to stop. */
  readonly stopping: StoppingRun | null;
}

/** A run whose users are to stop. */
export interface StoppingRun {
  readonly finalUsers: number;
  readonly elapsedSeconds: number;
}

/**
 * Goes through a journal from its beginning.
 *
 * @param what option and file, as errors name them.
 * @param onShared gets what the nodes share, record by record.
 * @throws UsageError where nobody can go on with the run, or the journal makes no sense.
 */
export async function restoreRun(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  what: string,
  onShared: (record: SharedRecord) => void = () => {},
): Promise<RestoredRun> {
  let replay: Replay | null = null;
  for await (const record of records) {
    if (record.type === "abandoned") throw abandoned(what, record.reason);
    if (replay !== null) replay.take(record);
    else if (record.type === "run") replay = new Replay(record, what, onShared);
    else throw nonsense(what, `the run comes behind ${record.type}`);
  }
  if (replay === null) {
    throw new UsageError(
      `${what}: there is no run in the file`,
      "It ended before it had begun; delete the file, and start with --journal.",
    );
  }
  return replay;
}

class Replay implements RestoredRun {
  readonly state: RunState;
  readonly assigned = new Map<string, Readonly<Record<string, number>>>();
  targetUsers = 0;
  runningUsers = 0;
  startedUsers: number | null = null;
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

  take(record: Exclude<JournalRecord, { type: "abandoned" }>): void {
    switch (record.type) {
      case "run":
        throw nonsense(this.#what, `there is a second run, ${record.runId}`);
      case "epoch":
        this.state.epoch = record.epoch;
        return;
      case "worker":
        return this.#enter(record);
      case "begin":
        this.state.startedAt = record.startedAt;
        return;
      case "report":
        return this.#apply(record);
      case "phase":
        return this.state.reset(record.phase, record.elapsedSeconds);
      case "time":
        this.state.elapsedSeconds = record.elapsedSeconds;
        this.targetUsers = record.targetUsers;
        this.runningUsers = record.runningUsers;
        return;
      case "assigned":
        return this.#assign(record);
      case "membership":
        this.#move(record);
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
      case "stopping": {
        const { finalUsers, elapsedSeconds } = record;
        this.stopping = { finalUsers, elapsedSeconds };
        this.state.elapsedSeconds = elapsedSeconds;
        return;
      }
      case "ended":
        throw new UsageError(
          `${this.#what}: the run ${this.state.runId} has ended already`,
          "Nothing of it is left to do; start a new run with --journal and another file.",
        );
    }
  }

  #enter({ id, incarnation, index, host }: JournalRecord<"worker">): void {
    const { index: number } = this.state.addWorker({ id, incarnation, host });
    if (number !== index) throw nonsense(this.#what, `worker ${id} is ${number}, not ${index}`);
  }

  #assign({ incarnation, classes }: JournalRecord<"assigned">): void {
    const member = this.#member(incarnation);
    // Nobody is told what to run before the test has begun.
    member.begun = true;
    if (member.membership === "present") this.assigned.set(incarnation, classes);
  }

  #move({ incarnation, membership }: JournalRecord<"membership">): void {
    const member = this.#member(incarnation);
    member.membership = membership;
    // What it ran is run by others.
    if (membership !== "present") this.assigned.delete(incarnation);
    if (membership === "lost") member.lose(this.state.elapsedSeconds);
    if (membership === "present") member.returned(this.state.elapsedSeconds);
  }

  #apply({ incarnation, payload }: JournalRecord<"report">): void {
    const member = this.#member(incarnation);
    member.begun = true;
    let verdict: string;
    try {
      const message = decodeMessage(payload);
      verdict = message.type === "REPORT" ? this.state.apply(member, message) : message.type;
    } catch (error) {
      throw nonsense(this.#what, `a report of worker ${member.id}: ${errorText(error)}`);
    }
    if (verdict !== "apply") {
      throw nonsense(this.#what, `a report of worker ${member.id} is not the next one: ${verdict}`);
    }
  }

  #member(incarnation: string): WorkerState {
    const member = this.state.worker(incarnation);
    if (member === undefined) throw nonsense(this.#what, `there is no worker ${incarnation}`);
    return member;
  }
}

function abandoned(what: string, reason: string): UsageError {
  return new UsageError(
    `${what}: nobody can go on with the run, as it could not be written down to its end (${reason})`,
    "Start a new run with --journal and another file.",
  );
}

function nonsense(what: string, why: string): UsageError {
  return new UsageError(
    `${what}: the journal contradicts itself: ${why}`,
    "Use the version of aiotest that wrote it.",
  );
}

// How a master comes to its journal: a new one, or that of a master before it.

type Files = Pick<Host, "openFile">;

/** What a journal is opened with. */
export interface JournalOptions {
  readonly path: string;
  /** Called once at most: from then on nothing is written down, and nobody can go on with the run. */
  readonly onFailure: (reason: string) => void;
}

/** A run that is gone on with. */
export interface ResumedRun {
  /** Its book has the epoch of this master. */
  readonly run: RestoredRun;
  readonly journal: RunJournal;
  /**
   * Bytes at the journal's end that were not readable, and are cut off. What was counted in them is
   * lost, or will be sent again by workers that still have it; 0 where nothing can be missing.
   */
  readonly brokenBytes: number;
}

/**
 * Begins the journal of a new run, in a file that is new or empty.
 *
 * @throws UsageError where the file has something in it, or cannot be opened.
 */
export async function createJournal(
  files: Files,
  run: JournalRecord<"run">,
  { path, onFailure }: JournalOptions,
): Promise<RunJournal> {
  const what = `--journal ${path}`;
  const file = open(files, path, what, true);
  try {
    if (file.size() > 0) throw await occupied(file, path, what);
    written(what, () => {
      file.append(JOURNAL_HEAD);
      file.append(encodeRecord(run));
    });
  } catch (error) {
    file.close();
    throw error;
  }
  return new Journal(file, onFailure);
}

/**
 * Takes a run over from the master that wrote this journal.
 *
 * @param onShared gets what the nodes share, record by record.
 * @throws UsageError where there is no journal in the file, or nobody can go on with its run.
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
    const brokenBytes = reader.isBroken ? file.size() - reader.goodBytes : 0;
    written(what, () => file.truncate(reader.goodBytes));
    run.state.epoch++;
    run.state.damaged = brokenBytes > 0;
    const journal = new Journal(file, onFailure);
    journal.append({ type: "epoch", epoch: run.state.epoch });
    return { run, journal, brokenBytes };
  } catch (error) {
    file.close();
    throw error;
  }
}

function open(files: Files, path: string, what: string, create: boolean): DiskFile {
  try {
    return files.openFile(path, { create });
  } catch (error) {
    if (error instanceof Deno.errors.Busy) {
      throw new UsageError(`${what}: another aiotest is using the file`, "End that one first.");
    }
    if (error instanceof Deno.errors.NotFound && !create) {
      throw new UsageError(
        `${what}: there is no such file`,
        "A run that was started with --journal FILE writes one.",
      );
    }
    throw new UsageError(`${what}: the file cannot be opened (${errorText(error)})`);
  }
}

/** Writes at a moment when the run can still be given up for it. */
function written(what: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new UsageError(`${what}: the file cannot be written (${errorText(error)})`);
  }
}

/** Why a file that has something in it is not taken for a new journal. */
async function occupied(file: DiskFile, path: string, what: string): Promise<UsageError> {
  try {
    const { value: first } = await new JournalReader(file, what).records().next();
    if (first?.type === "run") {
      return new UsageError(
        `${what}: the file holds the run ${first.runId}`,
        `To go on with it use --resume ${path}; for a new run name another file.`,
      );
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  return new UsageError(
    `${what}: the file exists, and is not overwritten`,
    "Name a file that does not exist yet.",
  );
}
