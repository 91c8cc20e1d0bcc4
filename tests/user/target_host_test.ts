import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { checkHosts } from "../../src/user/discovery.ts";
import { User } from "../../src/user/user.ts";
import { discovered } from "../support/users.ts";

class WebUser extends User {}

class TestWeb extends WebUser {
  static override host = "https://127.0.0.1:8443/base";
  testIt(): void {}
}

class TestAnywhere extends TestWeb {
  static override host = "";
}

class TestQueue extends User {
  static override host = "queue:5672";
  testIt(): void {}
}

class TestWrong extends TestWeb {
  static override host = "127.0.0.1:8000";
}

function check(host: string | null, ...classes: (typeof User)[]): void {
  checkHosts(classes.map(discovered), host, (one) => one.prototype instanceof WebUser);
}

Deno.test("HTTP classes need a URL or nothing, others take any host", () => {
  check(null, TestWeb, TestAnywhere, TestQueue);
  check("http://127.0.0.1", TestWeb, TestAnywhere, TestQueue, TestWrong);
  check("queue:5672", TestQueue);
});

const NEEDED = "a URL that starts with http:// or https:// is needed";

for (const host of ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "localhost"]) {
  Deno.test(`--host ${host} is refused as soon as a class speaks HTTP`, () => {
    assert.throws(
      () => check(host, TestQueue, TestWeb),
      (error) =>
        error instanceof UsageError &&
        error.message === `--host ${host}: ${NEEDED}, because TestWeb speaks HTTP`,
    );
  });
}

Deno.test("a class's own bad host is named with the class", () => {
  assert.throws(
    () => check(null, TestWrong),
    (error) =>
      error instanceof UsageError &&
      error.message === `TestWrong.host is "127.0.0.1:8000": ${NEEDED}`,
  );
});
