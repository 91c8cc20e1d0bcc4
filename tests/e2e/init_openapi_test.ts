import assert from "node:assert/strict";
import { parse } from "yaml";
import type { Summary } from "../../src/report/summary.ts";
import { OpenApiStub } from "../support/openapi_stub.ts";
import { projectPath } from "../support/paths.ts";
import { checkConverted } from "../support/init.ts";
import { runAiotest } from "../support/process.ts";

const DATA = projectPath("tests/convert/data/openapi");

/** What each document needs to run against its stub. */
const DOCUMENTS: Readonly<
  Record<string, {
    readonly base: string;
    readonly env: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, string>>;
    /** Path parameters that no operation returns. */
    readonly given: readonly string[];
  }>
> = {
  "petstore.yaml": {
    base: "/api/v3",
    env: { PETSTORE_AUTH_TOKEN: "oauth", API_KEY: "key" },
    secrets: { petstore_auth: "oauth", api_key: "key" },
    given: ["theUser"],
  },
  "tracker.yaml": {
    base: "/v2",
    env: { BEARER_TOKEN: "bear", BASIC_USER: "ann", BASIC_PASSWORD: "pw", API_KEY: "k" },
    secrets: { bearer: "bear", basic: "ann:pw", key: "k" },
    given: ["acme"],
  },
  "fastapi.json": {
    base: "",
    env: { OAUTH2_PASSWORD_BEARER_TOKEN: "t" },
    secrets: { OAuth2PasswordBearer: "t" },
    given: ["file_path"],
  },
};

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("every document has its test here", async () => {
  const names = await Array.fromAsync(Deno.readDir(DATA), ({ name }) => name);
  assert.deepEqual(names.sort(), Object.keys(DOCUMENTS).sort());
});

for (const [name, { base, env, secrets, given }] of Object.entries(DOCUMENTS)) {
  Deno.test(`${name}: its test sends each operation a valid request`, async () => {
    const document = parse(await Deno.readTextFile(`${DATA}/${name}`));
    await using stub = new OpenApiStub(document, base, secrets, given);
    await inFolder(async (folder) => {
      const init = await runAiotest(["init", "api", "--openapi", `${DATA}/${name}`], {
        cwd: folder,
      });
      assert.equal(init.code, 0, init.stderr);
      await checkConverted(`${folder}/api`);
      const run = await runAiotest(
        ["-f", "aiotestfile.ts", "--once", "-H", stub.url, "--json", "a.json"],
        { cwd: `${folder}/api`, env },
      );
      assert.deepEqual(stub.problems, []);
      assert.equal(run.code, 0, run.stdout + run.stderr);
      const wanted = stub.operations.filter(({ own }) => own.deprecated !== true);
      assert.deepEqual(
        stub.called.toSorted(),
        wanted.map(({ where }) => where).toSorted(),
      );
      const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/api/a.json`));
      assert.equal(summary.totals.requests, stub.called.length);
      assert.equal(summary.totals.failures, 0);
    });
  });
}
