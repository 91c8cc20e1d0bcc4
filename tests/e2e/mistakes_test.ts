import { assertTold, mistakeFolder, MISTAKES } from "../support/mistakes.ts";

for (const mistake of MISTAKES) {
  Deno.test(`${mistake.what}: a clear message, and exit code 2`, async () => {
    const cwd = await mistakeFolder(mistake);
    await assertTold(mistake, { cwd });
    await Deno.remove(cwd, { recursive: true });
  });
}
