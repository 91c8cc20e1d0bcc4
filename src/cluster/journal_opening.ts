/**
 * How a master comes to its journal: a new one, or that of a master before it.
 *
 * @module
 */

import type { DiskFile } from "../core/disk_file.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { Journal, type RunJournal } from "./journal.ts";
import { JOURNAL_HEAD, JournalReader } from "./journal_reader.ts";
import { encodeRecord, type RunRecord } from "./journal_record.ts";
import { type RestoredRun, restoreRun, type SharedRecord } from "./restored_run.ts";

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
  run: RunRecord,
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
    run.book.epoch++;
    run.book.damaged = brokenBytes > 0;
    const journal = new Journal(file, onFailure);
    journal.append({ type: "epoch", epoch: run.book.epoch });
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
