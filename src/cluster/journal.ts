import type { DiskFile } from "../core/disk_file.ts";
import { errorText } from "../core/errors.ts";
import { JOURNAL_HEAD } from "./journal_reader.ts";
import { encodeRecord, type JournalRecord } from "./journal_record.ts";

/** Where a master writes down what another one needs to go on with its run. */
export interface RunJournal {
  /** Writes records down before it returns; whoever is told of them after that may rely on them. */
  append(...records: readonly JournalRecord[]): void;
  close(): void;
}

/** For a run that nobody will go on with. */
export const NO_JOURNAL: RunJournal = { append: () => {}, close: () => {} };

/**
 * A journal in a file. What is in it outlives a master that is killed, but not a machine that loses its
 * power.
 *
 * A disk that is full does not end the run: whoever watches it would rather have its results. But a
 * journal that lacks something would make up wrong ones, so from then on it says that nobody can go on
 * with the run.
 *
 * ```ts
 * import { Journal } from "./journal.ts";
 * import assert from "node:assert/strict";
 *
 * const texts: string[] = [];
 * const file = {
 *   append: () => { throw new Error("No space left on device"); },
 *   truncate: () => {},
 *   close: () => {},
 * };
 * const journal = new Journal(file, (reason) => texts.push(reason));
 * journal.append({ type: "epoch", epoch: 2 });
 * journal.append({ type: "ended" });
 * assert.deepEqual(texts, ["No space left on device"]);
 * ```
 */
export class Journal implements RunJournal {
  readonly #onFailure: (reason: string) => void;
  /** Null once nothing more can be written. */
  #file: Pick<DiskFile, "append" | "truncate" | "close"> | null;

  /**
   * @param file with a whole journal in it, which is continued.
   * @param onFailure called once at most: from then on nothing is written down.
   */
  constructor(
    file: Pick<DiskFile, "append" | "truncate" | "close">,
    onFailure: (reason: string) => void,
  ) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  append(...records: readonly JournalRecord[]): void {
    if (this.#file === null) return;
    try {
      this.#file.append(joined(records.map(encodeRecord)));
    } catch (error) {
      this.#abandon(errorText(error));
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #abandon(reason: string): void {
    try {
      // An empty file has room, on a full disk too.
      this.#file?.truncate(0);
      this.#file?.append(joined([JOURNAL_HEAD, encodeRecord({ type: "abandoned", reason })]));
    } catch {
      // The file is empty then, and has no run in it; or nothing at all can be done about it.
    }
    this.close();
    this.#onFailure(reason);
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
