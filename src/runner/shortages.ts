/**
 * Warnings about what users of a run lack: rows of feeders, and values of queues.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import type { DryFeeder, EmptyQueue, Shortage } from "../shared/shortages.ts";

/** A moment of a run. */
export interface ShortageMoment {
  readonly elapsedSeconds: number;
  /** Users that run, or are to run. */
  readonly users: number;
}

/** A queue that stays empty for this long, in seconds, may stay so. */
const PATIENCE_S = 10;

/** Calls that found nothing, below which an empty queue is not worth a warning. */
const MIN_MISSES = 10;

/** The shortages of a run, as sentences whose numbers follow the run. */
export class ShortageWatch {
  readonly #source: () => readonly Shortage[];
  readonly #onNew: (text: string) => void;
  /** When feeders and queues were found to be empty, in seconds of the run. */
  readonly #feeders = new Map<string, number>();
  readonly #queues = new Map<string, QueueState>();
  /** The most users so far. */
  #users = 0;
  #texts: readonly string[] = [];

  /** @param onNew called with a sentence when a feeder or queue has become short. */
  constructor(source: () => readonly Shortage[], onNew: (text: string) => void) {
    this.#source = source;
    this.#onNew = onNew;
  }

  /** A sentence for each feeder that has no more rows, and for each queue that stays empty. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  /** Looks at what is short at this moment. @param isOver whether it is the end of the run. */
  check(moment: ShortageMoment, isOver = false): void {
    this.#users = Math.max(this.#users, moment.users);
    this.#texts = this.#source().flatMap((shortage) =>
      shortage.kind === "feeder"
        ? this.#feederTexts(shortage, moment)
        : this.#queueTexts(shortage, moment, isOver)
    );
  }

  #feederTexts(feeder: DryFeeder, { elapsedSeconds }: ShortageMoment): string[] {
    const { name } = feeder;
    const since = this.#feeders.get(name);
    const text = feederText(feeder, since ?? elapsedSeconds, this.#users);
    if (since === undefined) {
      this.#feeders.set(name, elapsedSeconds);
      this.#onNew(text);
    }
    return [text];
  }

  #queueTexts(
    { name, uses, misses }: EmptyQueue,
    { elapsedSeconds }: ShortageMoment,
    isOver: boolean,
  ): string[] {
    let state = this.#queues.get(name);
    if (state?.uses !== uses) {
      this.#queues.set(name, state = { uses, since: elapsedSeconds, isReported: false });
    }
    const isLong = elapsedSeconds - state.since >= PATIENCE_S;
    if (misses < MIN_MISSES || !isLong && !(isOver && uses === 0)) return [];
    const text = uses === 0
      ? `Queue ${name} has never had a value: ${times(misses)} pop() found nothing.`
      : `Queue ${name} has been empty since the test had run for ${
        formatDuration(Math.floor(state.since))
      }: ` +
        `${times(misses)} pop() found nothing, and nothing was pushed.`;
    if (!state.isReported) this.#onNew(text);
    state.isReported = true;
    return [text];
  }
}

interface QueueState {
  readonly uses: number;
  /** Seconds of the run. */
  readonly since: number;
  isReported: boolean;
}

function feederText(
  { name, rows, onEmpty, refusals, waiting }: DryFeeder,
  since: number,
  allUsers: number,
): string {
  const all = rows === 1 ? "its only row was" : `all ${rows.toLocaleString("en")} were`;
  const head = `Feeder ${name} has no more rows: ${all} handed out within ` +
    `${formatDuration(Math.max(1, Math.round(since)))}`;
  const users = (count: number): string => {
    const of = count <= allUsers ? ` of ${allUsers.toLocaleString("en")}` : "";
    const isOne = (of === "" ? count : allUsers) === 1;
    return `${count.toLocaleString("en")}${of} ${isOne ? "user" : "users"}`;
  };
  const effect = {
    stop: `${users(refusals)} ${refusals === 1 ? "has" : "have"} stopped since`,
    throw: `${times(refusals)} next() ${refusals === 1 ? "has" : "have"} failed since`,
    wait: `${users(waiting)} ${waiting === 1 ? "is" : "are"} waiting for one`,
  }[onEmpty];
  const few = rows < allUsers ? " There are fewer rows than users." : "";
  return `${head}; ${effect}.${few}`;
}

function times(count: number): string {
  return count === 1 ? "1 call of" : `${count.toLocaleString("en")} calls of`;
}
