import assert from "node:assert/strict";
import { checkStartable, type StartOptions } from "../../src/cli/role.ts";
import { UsageError } from "../../src/core/errors.ts";

const WAITS: StartOptions = {
  noAutostart: true,
  noWeb: false,
  webHost: "127.0.0.1",
  webToken: null,
};

function refusal(options: StartOptions): UsageError {
  try {
    checkStartable(options);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }
  throw new Error("it was accepted");
}

Deno.test("a test that begins by itself may do without a dashboard, or let others look only", () => {
  checkStartable({ ...WAITS, noAutostart: false, noWeb: true });
  checkStartable({ ...WAITS, noAutostart: false, webHost: "*" });
});

Deno.test("a test that waits is started from this machine, or by whoever has the token", () => {
  for (const webHost of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    checkStartable({ ...WAITS, webHost });
  }
  for (const webHost of ["*", "0.0.0.0", "10.0.0.7", "shop.example"]) {
    checkStartable({ ...WAITS, webHost, webToken: "s3cret" });
    const { message, hint } = refusal({ ...WAITS, webHost });
    assert.match(message, /^--no-autostart needs --web-token with --web-host /);
    assert.ok(message.includes(webHost));
    assert.match(hint, /AIOTEST_WEB_TOKEN/);
  }
});

Deno.test("where there is no dashboard, nobody can start the test", () => {
  assert.equal(
    refusal({ ...WAITS, noWeb: true }).message,
    "--no-autostart cannot go with --no-web: the test is started in the dashboard",
  );
});
