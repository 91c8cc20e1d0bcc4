import assert from "node:assert/strict";
import { main } from "../../src/cli/main.ts";
import { logger } from "../../src/core/logger.ts";
import { User } from "../../src/user/user.ts";
import { FakeHost } from "../support/fake_host.ts";

class ShopTest extends User {
  testShop(): void {}
}

function thrownAt(place: string): TypeError {
  const error = new TypeError("no such thing");
  error.stack = `TypeError: no such thing\n    at load (${place}:3:7)`;
  return error;
}

Deno.test("an internal error is printed with its stack and a request to report it", async () => {
  const host = new FakeHost({ args: ["init", "here"] });
  const place = new URL("../../src/cli/sources.ts", import.meta.url).href;
  host.isFile = () => Promise.reject(thrownAt(place));
  assert.equal(await main(host), 1);
  const lines = host.stderr.text.split("\n");
  assert.equal(lines[0], "aiotest: internal error: TypeError: no such thing");
  assert.equal(lines[1], `    at load (${place}:3:7)`);
  assert.match(lines[2]!, /^This is a bug in aiotest \S+ .*Please report it/);
});

Deno.test("an error in the test file's own code is printed in one line, with its place", async () => {
  class BrokenTest extends ShopTest {
    static override get weight(): number {
      throw thrownAt("file:///home/me/aiotestfile.ts");
    }
  }
  const host = new FakeHost({
    args: ["--show-users-weight"],
    modules: { "/home/me/aiotestfile.ts": () => ({ BrokenTest }) },
  });
  assert.equal(await main(host), 2);
  assert.equal(
    host.stderr.text,
    "aiotest: /home/me/aiotestfile.ts:3:7: TypeError: no such thing\n",
  );
});

function loggingHost(...args: string[]): FakeHost {
  const load = (): Record<string, unknown> => {
    logger.info("reading accounts");
    logger.debug("a detail");
    return { ShopTest };
  };
  return new FakeHost({
    args: ["--show-users-weight", ...args],
    modules: { "/home/me/aiotestfile.ts": load },
  });
}

Deno.test("what a test file logs while it is imported is shown", async () => {
  const host = loggingHost();
  assert.equal(await main(host), 0);
  assert.match(host.stderr.text, /^\S+ \S+ INFO +reading accounts\n$/);
});

Deno.test("the log of an import obeys --loglevel and --logfile", async () => {
  const host = loggingHost("-L", "debug", "--logfile", "run.log");
  assert.equal(await main(host), 0);
  assert.equal(host.stderr.text, "");
  assert.match(host.files.get("/home/me/run.log")!, /INFO +reading accounts\n.*DEBUG +a detail\n$/);
});

/** A command whose old reports are there when it begins. @param load the import of the test file. */
async function withOldReports(
  load: () => Record<string, unknown>,
  ...args: string[]
): Promise<{ readonly code: number; readonly error: string; readonly texts: unknown[] }> {
  const host = new FakeHost({
    args: ["--json", "a.json", "--junit", "a.xml", "--no-web", "--no-history", ...args],
    files: { "/home/me/a.json": "old", "/home/me/a.xml": "old" },
    modules: { "/home/me/aiotestfile.ts": load },
  });
  const code = await main(host);
  const texts = ["a.json", "a.xml"].map((name) => host.files.get(`/home/me/${name}`));
  return { code, error: host.stderr.text, texts };
}

const shop = (): Record<string, unknown> => ({ ShopTest });

Deno.test("a run that does not start leaves the reports of an earlier run, and says so", async () => {
  const broken = (): never => {
    throw new SyntaxError("Unexpected token");
  };
  const refused = (): Record<string, unknown> => ({ ShopTest, thresholds: ["p95<x"] });
  const mistakes: [load: () => Record<string, unknown>, args: string[], message: string][] = [
    [shop, ["-f", "nope.ts"], "nope.ts"],
    [shop, ["--nope"], "--nope"],
    [broken, [], "Unexpected token"],
    [refused, [], "p95<x"],
    [shop, ["--threshold", "p95<x"], "p95<x"],
    [shop, ["--user-classes", "Nope"], "Nope"],
  ];
  for (const [load, args, message] of mistakes) {
    const { code, error, texts } = await withOldReports(load, ...args);
    assert.equal(code, 2, error);
    assert.ok(error.includes(message), error);
    assert.deepEqual(texts, ["old", "old"], message);
    assert.match(
      error,
      /^The run has not started. These files were there before: --json a.json, --junit a.xml\n$/m,
    );
  }
});

Deno.test("a command that runs nothing leaves reports, and says nothing of them", async () => {
  const { code, error, texts } = await withOldReports(shop, "--show-users-weight");
  assert.equal(code, 0, error);
  assert.deepEqual(texts, ["old", "old"]);
  assert.equal(error, "");
});

Deno.test("when setup is called, the reports of an earlier run are gone, and a failure has its own", async () => {
  let before: unknown[] = [];
  const host = new FakeHost({
    args: ["--json", "a.json", "--no-web", "--no-history", "-t", "1"],
    files: { "/home/me/a.json": "old" },
    modules: {
      "/home/me/aiotestfile.ts": () => ({
        ShopTest,
        setup(): void {
          before = [...host.files.keys()];
          throw new Error("no account");
        },
      }),
    },
  });
  assert.equal(await main(host), 2);
  assert.deepEqual(before, []);
  assert.doesNotMatch(host.stderr.text, /has not started/);
  assert.match(JSON.parse(host.files.get("/home/me/a.json")!).warnings[0], /no account/);
});
