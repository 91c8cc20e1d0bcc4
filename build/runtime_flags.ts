/**
 * What aiotest is started with, as an executable and as a task.
 *
 * V8 lets each half of its young generation grow to 16 MB where much is allocated, as a load generator
 * does, and is no faster for it than with 8 MB, which takes up to 45 MB less (`deno task bench http`).
 * With 4 MB users of native `fetch` are slower. V8 takes the limit only when it starts.
 */
export const RUNTIME_FLAGS: readonly string[] = ["--v8-flags=--max-semi-space-size=8"];
