/**
 * What aiotest is started with, as an executable and as a task.
 *
 * V8 lets its young generation grow to three times 16 MB where much is allocated, as a load generator
 * does, and is no faster for it: with 4 MB, the same rate takes 60 MB less (`deno task bench http`). It
 * takes the limit only when it starts.
 */
export const RUNTIME_FLAGS: readonly string[] = ["--v8-flags=--max-semi-space-size=4"];
