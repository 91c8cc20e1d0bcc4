/**
 * The commit that an executable was built from. `deno task compile` embeds another file in place of this
 * one. It is a module rather than JSON because JSON has no compiled form, and a single such file keeps the
 * runtime from caching the compiled form of all others between two starts.
 *
 * @module
 */

/** A short hash, followed by `+` if files had been changed since the commit; `null` if run from source. */
export const COMMIT: string | null = null;
