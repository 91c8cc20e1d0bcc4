import type { RunJournal } from "../cluster/journal.ts";
import type { RunBook } from "../cluster/run_book.ts";
import type { Events } from "../core/events.ts";
import type { WorkerHall } from "./worker_hall.ts";

/** Who hears of it. */
export interface FirstTargetOptions {
  readonly book: RunBook;
  readonly journal: RunJournal;
  readonly hall: Pick<WorkerHall, "started">;
  readonly events: Events;
  /** Drop what was counted before. */
  readonly resetStats: boolean;
}

/** The moment at which the first target number of users runs, as far as their workers have told. */
export class FirstTarget {
  readonly #options: FirstTargetOptions;
  /** Users that are waited for; null where none are. */
  #users: number | null = null;

  constructor(options: FirstTargetOptions) {
    this.#options = options;
  }

  /** Whether users have been started that nobody has told of yet. */
  get isAwaited(): boolean {
    return this.#users !== null;
  }

  /** So many users have been started. */
  await(users: number): void {
    this.#users = users;
  }

  /** Looks whether they run. @param elapsedSeconds how long the test has lasted. */
  look(elapsedSeconds: number): void {
    const { book, journal, hall, events, resetStats } = this.#options;
    if (this.#users === null || book.users < this.#users) return;
    const userCount = this.#users;
    this.#users = null;
    journal.append({ type: "started", userCount });
    if (resetStats) {
      book.reset(book.phase + 1, elapsedSeconds);
      journal.append({ type: "phase", phase: book.phase, elapsedSeconds });
    }
    hall.started(userCount);
    void events.emit("startComplete", { userCount });
  }
}
