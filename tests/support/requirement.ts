/**
 * Whether a test that needs a program has to be skipped because it is not here; under
 * `AIOTEST_REQUIRE=all`, as in CI, it runs all the same, and fails.
 */
export function isMissing(program: string): boolean {
  if (Deno.env.get("AIOTEST_REQUIRE") === "all") return false;
  const { success } = new Deno.Command("which", { args: [program], stdout: "null" }).outputSync();
  return !success;
}
