import assert from "node:assert/strict";
import { hold } from "../../src/load/curves.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { GrpcUser } from "../../src/user/grpc_user.ts";
import { HttpUser } from "../../src/user/http_user.ts";
import { misspelledMembers } from "../../src/user/misspellings.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { between } from "../../src/user/wait_time.ts";
import { testContext } from "../support/users.ts";

function warnings(userClass: UserClass): string[] {
  const user = new userClass({
    ...testContext().context,
    signal: new AbortController().signal,
  });
  const found = misspelledMembers("ShopTest", userClass, user);
  user[Symbol.dispose]();
  return found;
}

function noSetting(name: string, meant: string): string {
  return `ShopTest.${name} is not a setting of user classes and has no effect. Did you mean ${meant}?`;
}

Deno.test("curves and stages of a class that are not its load are probably meant to be", () => {
  class ShopTest extends User {
    static curve = hold({ users: 5 });
    static stages = [{ duration: 5, users: 1, rate: 1 }];
    static loads = hold({ users: 5 });
    load = hold({ users: 5 });
  }
  class DataTest extends User {
    static stages = ["cart", "payment"];
    static road = { length: 5 };
    static loaded = null;
    load = { weight: 5 };
  }
  assert.deepEqual(warnings(ShopTest), [
    ...["curve", "stages", "loads"].map((name) =>
      `ShopTest.${name} is not a setting of user classes and has no effect. Did you mean load?`
    ),
    "ShopTest.load is a field of each user and has no effect: write static override load.",
  ]);
  assert.deepEqual(warnings(DataTest), []);
});

Deno.test("thresholds of a class are reported, because only those of the module count", () => {
  class ShopTest extends User {
    static thresholds = ["p95<1ms"];
  }
  assert.deepEqual(warnings(ShopTest), [
    "ShopTest.thresholds is not a setting of user classes and has no effect: write export const thresholds, " +
    "outside of the class.",
  ]);
});

Deno.test("static fields that resemble settings are reported with the nearest one", () => {
  class ShopTest extends FastHttpUser {
    static waittime = 2;
    static wait_time = between(1, 2);
    static Host = "http://127.0.0.1:8000";
    static iteration = 3;
    static wieght = 3;
    static fixed_count = 3;
    static localAddress = ["127.0.0.1"];
    static maxRedirect = 3;
    static min_wait = 1000;
    static header = { a: "b" };
    static defaultHeaders = { a: "b" };
  }
  assert.deepEqual(warnings(ShopTest), [
    noSetting("waittime", "waitTime"),
    noSetting("wait_time", "waitTime"),
    noSetting("Host", "host"),
    noSetting("iteration", "iterations"),
    noSetting("wieght", "weight"),
    noSetting("fixed_count", "fixedCount"),
    noSetting("localAddress", "localAddresses"),
    noSetting("maxRedirect", "maxRedirects"),
    noSetting("min_wait", "waitTime"),
    noSetting("header", "headers"),
    noSetting("defaultHeaders", "headers"),
  ]);
});

Deno.test("settings of other programs are reported for the classes that have such a setting", () => {
  class FastTest extends FastHttpUser {
    static http2 = true;
    static deadline = 3;
  }
  class NativeTest extends HttpUser {
    static http2 = true;
  }
  class CallTest extends GrpcUser {
    static http2 = true;
    static deadline = 3;
    static protoPath = "shop.proto";
    static importPaths = ["protos"];
  }
  assert.deepEqual(warnings(FastTest), [noSetting("http2", "http")]);
  assert.deepEqual(warnings(NativeTest), []);
  assert.deepEqual(warnings(CallTest), [
    noSetting("deadline", "timeout"),
    noSetting("protoPath", "proto"),
    noSetting("importPaths", "protoFolders"),
  ]);
});

Deno.test("static fields of a class's own are not reported", () => {
  class ShopTest extends HttpUser {
    static override host = "http://127.0.0.1:8000";
    static override waitTime = between(1, 3);
    static orders = ["a", "b"];
    static hosts = ["a", "b"];
    static cost = 3;
    static orderId = "a1";
    static tenants = new Map();
    static #secret = "x";
    static secret(): string {
      return ShopTest.#secret;
    }
    static get weights(): number[] {
      throw new Error("is not to be called");
    }
  }
  assert.deepEqual(warnings(ShopTest), []);
});

Deno.test("a setting of HTTP users is none of a plain user, so nothing resembles it", () => {
  class PlainTest extends User {
    static timeouts = 3;
  }
  class ShopTest extends HttpUser {
    static timeouts = 3;
  }
  assert.deepEqual(warnings(PlainTest), []);
  assert.deepEqual(warnings(ShopTest), [noSetting("timeouts", "timeout")]);
});

Deno.test("settings that are not static are reported", () => {
  class ShopTest extends FastHttpUser {
    weight = 3;
    wait_time = between(1, 2);
    iterations = 0;
    order = { id: 5 };
    waitTime(): number {
      return 1;
    }
    timeout(): void {}
  }
  assert.deepEqual(warnings(ShopTest), [
    "ShopTest.waitTime is a method and has no effect: write static override waitTime.",
    "ShopTest.weight is a field of each user and has no effect: write static override weight.",
    "ShopTest.wait_time is a field of each user and has no effect: write static override waitTime.",
  ]);
});

Deno.test("a host that is not static is reported for HTTP users, which do not use it", () => {
  class ShopTest extends FastHttpUser {
    override host = "http://127.0.0.1:8000";
  }
  class BaseTest extends FastHttpUser {
    static override host = "http://127.0.0.1:8000";
  }
  class PlainTest extends User {
    override host = "127.0.0.1:5432";
  }
  assert.deepEqual(warnings(ShopTest), [
    "ShopTest.host is set for each user and has no effect: write static override host.",
  ]);
  assert.deepEqual(warnings(BaseTest), []);
  assert.deepEqual(warnings(PlainTest), []);
});

for (
  const [name, hook] of [
    ["onstart", "onStart"],
    ["on_start", "onStart"],
    ["onStrat", "onStart"],
    ["setUp", "onStart"],
    ["setup", "onStart"],
    ["beforeAll", "onStart"],
    ["onstop", "onStop"],
    ["on_stop", "onStop"],
    ["tearDown", "onStop"],
  ] as const
) {
  Deno.test(`a method ${name} is reported, unless the class has ${hook}`, () => {
    class ShopTest extends User {}
    Object.defineProperty(ShopTest.prototype, name, { value: () => {} });
    assert.deepEqual(warnings(ShopTest), [
      `ShopTest.${name} is not called by aiotest. Did you mean ${hook}?`,
    ]);
    Object.defineProperty(ShopTest.prototype, hook, { value: () => {} });
    assert.deepEqual(warnings(ShopTest), []);
  });
}

Deno.test("hooks that are fields or static, and inherited mistakes, are told apart", () => {
  class Base extends User {
    static onStart(): void {}
    override onStop = (): void => {};
    teardown(): void {}
  }
  class ShopTest extends Base {
    stop(): void {}
    start(): void {}
  }
  assert.deepEqual(warnings(ShopTest), [
    "ShopTest.onStart is static and is never called: make it a method.",
  ]);
});
