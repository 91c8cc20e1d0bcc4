/**
 * What an executable was made from; `deno task compile` embeds another file in this one's place. A module,
 * because a JSON file has no compiled form, and one such file keeps the runtime from storing those of all
 * others between two starts.
 *
 * @module
 */

/** The commit, as a short hash, with a `+` where files had been changed since; null from source. */
export const COMMIT: string | null = null;
