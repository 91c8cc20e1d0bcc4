/**
 * Whether a test that needs a program has to be skipped because it is not here; under
 * `AIOTEST_REQUIRE=all`, as in CI, it runs all the same, and fails. `AIOTEST_REQUIRE=tools` says the same
 * of everything but the executable, which cannot be made on each machine.
 */
export function isMissing(program: string): boolean {
  if (["all", "tools"].includes(Deno.env.get("AIOTEST_REQUIRE") ?? "")) return false;
  const { success } = new Deno.Command("which", { args: [program], stdout: "null" }).outputSync();
  return !success;
}
