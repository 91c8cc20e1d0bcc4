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
