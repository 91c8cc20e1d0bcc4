import { LENGTH_BYTES } from "../cluster/frame_reader.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import type { Member } from "../cluster/member.ts";
import type { TargetMessage } from "../cluster/message.ts";
import type { Report } from "../cluster/report_message.ts";
import { encodeMessage } from "../cluster/message_codec.ts";

/** Writes down what becomes of the workers of a run. */
export class RunDiary {
  readonly #journal: RunJournal;

  constructor(journal: RunJournal) {
    this.#journal = journal;
  }

  /** A worker takes part for the first time. */
  entered({ id, incarnation, index, host }: Member): void {
    this.#journal.append({ type: "worker", id, incarnation, index, host });
  }

  /** A worker stands to the run in another way than before. */
  moved({ incarnation, membership }: Member): void {
    this.#journal.append({ type: "membership", incarnation, membership });
  }

  /** A worker is told what to run. */
  assigned({ incarnation }: Member, { classes }: TargetMessage): void {
    this.#journal.append({ type: "assigned", incarnation, classes });
  }

  /** A report was counted; to be called before it is acknowledged: from then on, nobody else has it. */
  counted({ incarnation }: Member, report: Report): void {
    // Encoding it once more has its price.
    if (this.#journal === NO_JOURNAL) return;
    const payload = encodeMessage(report).subarray(LENGTH_BYTES);
    this.#journal.append({ type: "report", incarnation, payload });
  }
}
