/**
 * What happened during a run, and when, so that it can be seen beside its effects.
 *
 * @module
 */

/** What code of a test has said about a moment of the run. */
export interface Note {
  /** Seconds since the start of the run. */
  readonly atSeconds: number;
  /** One line. */
  readonly text: string;
  /** The node on which it was said. */
  readonly node: string;
}

/** Something that happened during a run. */
export interface Annotation extends Omit<Note, "node"> {
  /**
   * `note`: code of the test has called `run.annotate`; `threshold`: a threshold was crossed; `worker`: a worker was
   * lost or stopped.
   */
  readonly kind: "note" | "threshold" | "worker";
  /** The node on which it happened; `null` if it concerns the run as a whole. */
  readonly node: string | null;
}

/** How many annotations a run keeps. */
export const MAX_ANNOTATIONS = 500;

/** The longest text, in UTF-16 units. */
export const MAX_ANNOTATION = 200;

/** What happened during a run, in the order in which it became known. */
export class Annotations {
  readonly #all: Annotation[] = [];
  /** The rows of {@link rows}; `null` if something was added since. */
  #rows: readonly Annotation[] | null = null;
  #isFull = false;

  /** Adds one. Returns whether it is kept: there is a limit, and what users say at the same time is kept once. */
  add(annotation: Annotation): boolean {
    const isKnown = this.#all.some(({ kind, text, atSeconds }) =>
      kind === annotation.kind && text === annotation.text &&
      Math.abs(atSeconds - annotation.atSeconds) < 1
    );
    if (isKnown) return false;
    this.#isFull = this.#all.length >= MAX_ANNOTATIONS;
    if (this.#isFull) return false;
    this.#all.push(annotation);
    this.#rows = null;
    return true;
  }

  /** All that are kept, in the order in which they happened. The same list until there is another one. */
  get rows(): readonly Annotation[] {
    return this.#rows ??= this.#all.toSorted((a, b) => a.atSeconds - b.atSeconds);
  }

  /** What the limit has done, as a sentence; none if it was not reached. */
  get warnings(): string[] {
    return this.#isFull
      ? [`More than ${MAX_ANNOTATIONS} annotations: further ones are not kept.`]
      : [];
  }
}

/** An annotation as one line of the log: `At 12 s: deploy (w1).` */
export function annotationLine({ atSeconds, text, node }: Annotation): string {
  const where = node === null || node === "local" ? "" : ` (${node})`;
  return `At ${Math.floor(atSeconds)} s: ${text}${where}`;
}
