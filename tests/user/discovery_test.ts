import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import {
  checkClassSettings,
  discover,
  type DiscoveredClass,
  selectClasses,
  selectTests,
  tag,
  type TagChoice,
  tagsOf,
  weight,
  weightOf,
} from "../../src/user/discovery.ts";
import type { Curve } from "../../src/load/curve.ts";
import { hold } from "../../src/load/curves.ts";
import { stages } from "../../src/load/stages.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { HttpUser } from "../../src/user/http_user.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { discovered, testContext } from "../support/users.ts";

function probe(userClass: UserClass): User {
  return new userClass({ ...testContext().context, signal: new AbortController().signal });
}

function find(exports: Record<string, unknown>): DiscoveredClass[] {
  return discover(exports, probe, () => {});
}

/** What is probably a mistake in the classes. */
function warningsOf(exports: Record<string, unknown>): string[] {
  const warnings: string[] = [];
  discover(exports, probe, (text) => void warnings.push(text));
  return warnings;
}

function testNames({ tests }: DiscoveredClass): string[] {
  return tests.map((test) => test.name);
}

function refusal(exports: Record<string, unknown>): UsageError {
  try {
    find(exports);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  throw new Error("it was accepted");
}

class TestShop extends User {
  testSearch(): void {}
  helper(): void {}
  payTest(): void {}
}

const NO_USER_CLASS = "The test file has no user class";

Deno.test("a user class has a name that starts or ends with Test, in any case", () => {
  class TESTpay extends TestShop {}
  class Mytest extends TestShop {}
  class Contested extends TestShop {}
  const found = find({ TESTpay, Mytest, Contested, TestShop, help: () => {} });
  assert.deepEqual(found.map(({ name }) => name), ["TESTpay", "Mytest", "TestShop"]);
  assert.deepEqual(found.map(({ userClass }) => userClass), [TESTpay, Mytest, TestShop]);
});

for (
  const [name, isTest] of [
    ...["test", "testSearch", "test1", "test_search", "test搜索", "testÄpfel"].map((one) =>
      [one, true] as const
    ),
    ...["payTest", "pay_test", "Test", "搜索test"].map((one) => [one, true] as const),
    ...["latest", "testing", "tested", "contest", "TESTFour", "TestSearch", "testä"].map((one) =>
      [one, false] as const
    ),
  ]
) {
  Deno.test(`${name} ${isTest ? "runs as a test" : "still runs as a test, with a warning"}`, () => {
    class ShopTest extends User {}
    Object.defineProperty(ShopTest.prototype, name, { value: () => {} });
    assert.deepEqual(testNames(find({ ShopTest })[0]!), [name]);
    const [warning, ...others] = warningsOf({ ShopTest });
    assert.deepEqual(others, []);
    if (isTest) assert.equal(warning, undefined);
    else assert.match(warning!, new RegExp(`^ShopTest.${name} runs as a test because its name`));
  });
}

Deno.test("only real names of tests are reserved for functions", () => {
  class ShopTest extends TestShop {
    static latest = 0;
    static fastest(): void {}
    tested = false;
    get contest(): number {
      throw new Error("is not to be called");
    }
  }
  assert.deepEqual(testNames(find({ ShopTest })[0]!), ["testSearch", "payTest"]);
  assert.deepEqual(warningsOf({ ShopTest }), []);
});

for (
  const [name, isTest] of [
    ...["Test", "TestShop", "testShop", "Test_shop", "TEST_SHOP", "ShopTest", "shop_test"].map((
      one,
    ) => [one, true] as const),
    ...["Contest", "TESTpay", "Testing", "Mytest"].map((one) => [one, false] as const),
  ]
) {
  Deno.test(`the class ${name} ${isTest ? "runs" : "still runs, with a warning"}`, () => {
    const named = [class extends TestShop {}][0]!;
    Object.defineProperty(named, "name", { value: name });
    assert.deepEqual(find({ [name]: named }).map((one) => one.name), [name]);
    const warnings = warningsOf({ [name]: named });
    assert.equal(warnings.length, isTest ? 0 : 1);
    if (!isTest) assert.match(warnings[0]!, new RegExp(`^${name} counts as a test class because`));
  });
}

Deno.test("a class with tests that does not run is reported, unless others extend it", () => {
  class Base extends User {
    testAll(): void {}
  }
  class BrowseUser extends User {
    testBrowse(): void {}
  }
  class Helper extends User {}
  class ShopTest extends Base {}
  assert.deepEqual(warningsOf({ Base, BrowseUser, Helper, ShopTest }), [
    "BrowseUser extends User, but its name neither starts nor ends with Test, so its users do not run.",
  ]);
});

Deno.test("a k6 script is told what to write instead", () => {
  assert.match(refusal({ default: () => {} }).hint, /^k6 runs the default function; aiotest runs/);
  assert.match(refusal({ help: () => {} }).hint, /^Export a class that extends User/);
});

Deno.test("a class has its own name, an anonymous class that of its export", () => {
  const anonymous = [class extends TestShop {}][0]!;
  const byDefault = [class extends TestShop {}][0]!;
  // The name of `export default class extends User {}`.
  Object.defineProperty(byDefault, "name", { value: "default" });
  assert.deepEqual(find({ TestOther: TestShop }).map(({ name }) => name), ["TestShop"]);
  assert.deepEqual(find({ TestOther: anonymous }).map(({ name }) => name), ["TestOther"]);
  assert.equal(
    refusal({ default: byDefault }).message,
    `${NO_USER_CLASS}: none of its exports is one\n` +
      "  default: extends TestShop, but its name neither starts nor ends with Test",
  );
});

Deno.test("a class that is exported twice counts once", () => {
  assert.equal(find({ TestShop, default: TestShop }).length, 1);
});

Deno.test("a class with weight 0 is left out, unless it has a fixed count", () => {
  class TestNone extends TestShop {
    static override weight = 0;
  }
  class TestFixed extends TestNone {
    static override fixedCount = 3;
  }
  const found = find({ TestNone, TestFixed, TestShop });
  assert.deepEqual(found.map(({ name }) => name), ["TestFixed", "TestShop"]);
  assert.equal(refusal({ TestNone }).message, "Every user class has the weight 0: TestNone");
});

Deno.test("tests run in source order, inherited ones first, overrides in place", () => {
  const calls: string[] = [];
  class Base extends User {
    testOne(): void {
      calls.push("base one");
    }
    twoTest(): void {
      calls.push("base two");
    }
  }
  class TestSub extends Base {
    testThree(): void {
      calls.push("three");
    }
    override testOne(): void {
      calls.push("own one");
    }
    TESTFour(): void {
      calls.push("four");
    }
    attest2(): void {}
  }
  const [sub] = find({ TestSub });
  assert.deepEqual(testNames(sub!), ["testOne", "twoTest", "testThree", "TESTFour"]);
  const user = probe(TestSub);
  for (const test of sub!.tests) test.run.call(user);
  assert.deepEqual(calls, ["own one", "base two", "three", "four"]);
});

Deno.test("a field that holds a function is a test, run on its user", () => {
  class TestField extends TestShop {
    readonly seen: string[] = [];
    testField = (): void => void this.seen.push("field");
    override testSearch = (): void => void this.seen.push("search");
  }
  const [field] = find({ TestField });
  assert.deepEqual(testNames(field!), ["testSearch", "payTest", "testField"]);
  const users = [probe(TestField) as TestField, probe(TestField) as TestField];
  field!.tests[0]!.run.call(users[0]!);
  field!.tests[2]!.run.call(users[1]!);
  assert.deepEqual(users.map(({ seen }) => seen), [["search"], ["field"]]);
});

Deno.test("weights that have no effect because of the order are reported", () => {
  class ShopTest extends User {
    @weight(3)
    testSearch(): void {}
    testPay(): void {}
  }
  class RandomTest extends ShopTest {
    static override order = "random" as const;
  }
  class SameTest extends User {
    @weight(3)
    testSearch(): void {}
    @weight(3)
    testPay(): void {}
  }
  assert.deepEqual(warningsOf({ ShopTest }), [
    "The weights of ShopTest's tests have no effect, because its order is " +
    '"sequential": write static override order = "random".',
  ]);
  assert.deepEqual(warningsOf({ RandomTest, SameTest }), []);
});

Deno.test("tests have their weights and tags", () => {
  class TestMarked extends User {
    @weight(3)
    @tag("shop", "slow")
    testSearch(): void {}
    testPay(): void {}
  }
  const [marked] = find({ TestMarked });
  assert.deepEqual(marked!.tests.map((test) => [test.name, test.weight, test.tags]), [
    ["testSearch", 3, ["shop", "slow"]],
    ["testPay", 1, []],
  ]);
});

Deno.test("the probe is disposed of", () => {
  let disposed = 0;
  class TestHolder extends TestShop {
    override [Symbol.dispose](): void {
      disposed++;
    }
  }
  find({ TestHolder });
  assert.equal(disposed, 1);
});

Deno.test("without a user class, the error explains each export", () => {
  class Shopper extends User {}
  class Thing {}
  class Renamed extends TestShop {}
  const error = refusal({
    Basket: Renamed,
    Shopper,
    TestThing: Thing,
    User,
    data: { a: 1 },
    helper: () => {},
    list: [],
    none: null,
    text: "text",
  });
  assert.equal(
    error.message,
    [
      `${NO_USER_CLASS}: none of its exports is one`,
      "  Basket: extends TestShop, but its name, Renamed, neither starts nor ends with Test",
      "  Shopper: extends User, but its name neither starts nor ends with Test",
      "  TestThing: a class, but it does not extend User",
      "  User: the class User itself",
      "  data: an object",
      "  helper: a function",
      "  list: an array",
      "  none: null",
      "  text: a string",
    ].join("\n"),
  );
  assert.match(error.hint, /^Export a class that extends User/);
  assert.equal(refusal({}).message, `${NO_USER_CLASS}: it exports nothing`);
});

Deno.test("two classes with the same name are refused", () => {
  const other = class TestShop extends User {
    testSearch(): void {}
  };
  assert.equal(
    refusal({ TestShop, other }).message,
    "Two user classes have the same name: TestShop",
  );
});

Deno.test("a class without tests is refused", () => {
  class TestNothing extends User {
    search(): void {}
  }
  assert.equal(refusal({ TestNothing }).message, "TestNothing has no tests");
});

class TestGetter extends TestShop {
  get testData(): number {
    return 1;
  }
}

class TestSetter extends TestShop {
  set testData(_value: number) {}
}

class TestField extends TestShop {
  testData = { a: 1 };
}

class TestEmptyField extends TestShop {
  testData: string | undefined;
}

class TestStatic extends TestShop {
  static testData = [1];
}

class TestStaticSub extends TestStatic {}

class TestPrototype extends TestShop {}
Object.defineProperty(TestPrototype.prototype, "testData", { value: 5 });

const NOT_FUNCTIONS: [UserClass, string][] = [
  [TestGetter, "TestGetter.testData is named like a test, but it is a getter, not a function"],
  [TestSetter, "TestSetter.testData is named like a test, but it is a getter, not a function"],
  [TestField, "TestField.testData is named like a test, but it is an object, not a function"],
  [
    TestEmptyField,
    "TestEmptyField.testData is named like a test, but it is undefined, not a function",
  ],
  [
    TestStatic,
    "TestStatic.testData is named like a test, but it is a static value, not a function",
  ],
  [
    TestStaticSub,
    "TestStaticSub.testData is named like a test, but it is a static value, not a function",
  ],
  [
    TestPrototype,
    "TestPrototype.testData is named like a test, but it is a number, not a function",
  ],
];

for (const [userClass, message] of NOT_FUNCTIONS) {
  Deno.test(`${userClass.name}: a property that is named like a test but is not a function is refused`, () => {
    assert.equal(refusal({ [userClass.name]: userClass }).message, message);
  });
}

Deno.test("a static method that is named like a test is refused", () => {
  class TestStaticMethod extends TestShop {
    static testPay(): void {}
  }
  assert.equal(
    refusal({ TestStaticMethod }).message,
    "TestStaticMethod.testPay is static, so no user can run it",
  );
});

Deno.test("a constructor that throws is reported with its class", () => {
  class TestBroken extends TestShop {
    override readonly id: number = (() => {
      throw new TypeError("no data");
    })();
  }
  assert.equal(
    refusal({ TestBroken }).message,
    "TestBroken cannot be created: its constructor threw TypeError: no data",
  );
});

function checkSetting(setting: string, value: unknown): void {
  const userClass = class extends User {};
  Object.defineProperty(userClass, setting, { value });
  checkClassSettings("TestShop", userClass);
}

const GOOD_SETTINGS: [string, unknown[]][] = [
  ["weight", [0, 1, 4]],
  ["fixedCount", [0, 1, 100]],
  ["waitTime", [0, 0.5, () => 1, async () => await 1]],
  ["order", ["sequential", "random", "parallel"]],
  ["host", ["", "http://127.0.0.1", "queue"]],
];

for (const [setting, values] of GOOD_SETTINGS) {
  Deno.test(`${setting} accepts its documented values`, () => {
    for (const value of values) checkSetting(setting, value);
  });
}

const BAD_SETTINGS: [string, unknown, string][] = [
  ["weight", -1, "is -1: expected a whole number from 0 to 1,000,000"],
  ["weight", 1.5, "is 1.5: expected a whole number from 0 to 1,000,000"],
  ["weight", "2", 'is "2": expected a whole number from 0 to 1,000,000'],
  ["weight", Infinity, "is Infinity: expected a whole number from 0 to 1,000,000"],
  ["weight", undefined, "is undefined: expected a whole number from 0 to 1,000,000"],
  [
    "fixedCount",
    -1,
    "is -1: expected a whole number from 1 to 1,000,000, or 0 for a number by weight",
  ],
  [
    "fixedCount",
    0.5,
    "is 0.5: expected a whole number from 1 to 1,000,000, or 0 for a number by weight",
  ],
  ["waitTime", -1, "is -1: expected a number of seconds, 0 or more, or a function"],
  ["waitTime", NaN, "is NaN: expected a number of seconds, 0 or more, or a function"],
  ["waitTime", "1", 'is "1": expected a number of seconds, 0 or more, or a function'],
  ["waitTime", {}, "is an object: expected a number of seconds, 0 or more, or a function"],
  ["order", "shuffled", 'is "shuffled": expected one of "sequential", "random", "parallel"'],
  ["order", () => {}, 'is a function: expected one of "sequential", "random", "parallel"'],
  ["host", null, 'is null: expected a string like "http://127.0.0.1:8000"'],
  ["host", 8000, 'is 8000: expected a string like "http://127.0.0.1:8000"'],
  ["weight", 1e9, "is 1000000000: expected a whole number from 0 to 1,000,000"],
  [
    "fixedCount",
    1e9,
    "is 1000000000: expected a whole number from 1 to 1,000,000, or 0 for a number by weight",
  ],
  ["iterations", 5n, "is 5: expected a whole number of 1 or more, or 0 for no limit"],
  ["iterations", NaN, "is NaN: expected a whole number of 1 or more, or 0 for no limit"],
  ["host", Symbol("h"), 'is Symbol(h): expected a string like "http://127.0.0.1:8000"'],
];

for (const [setting, value, problem] of BAD_SETTINGS) {
  Deno.test(`static ${setting} that ${problem.split(":")[0]} is refused`, () => {
    assert.throws(
      () => checkSetting(setting, value),
      (error) => error instanceof UsageError && error.message === `TestShop.${setting} ${problem}`,
    );
  });
}

const TIME_LIMITS = ["timeout", "connectTimeout", "headersTimeout", "bodyTimeout"];

Deno.test("user classes with sessions check the static fields that they add", () => {
  const check = (base: UserClass, field: string, value: unknown): string => {
    const userClass = class extends base {
      testNothing(): void {}
    };
    Object.defineProperty(userClass, field, { value });
    try {
      checkClassSettings("ATest", userClass);
      return "good";
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return error.message;
    }
  };
  const expected = "expected a number of seconds over 0, or Infinity for no limit";
  for (const field of TIME_LIMITS) {
    for (const value of [0.5, 1e9, Infinity]) {
      assert.equal(check(FastHttpUser, field, value), "good");
    }
    for (const [value, text] of [[0, "0"], [-1, "-1"], [NaN, "NaN"], ["1s", '"1s"']]) {
      assert.equal(check(FastHttpUser, field, value), `ATest.${field} is ${text}: ${expected}`);
    }
  }
  assert.equal(check(HttpUser, "timeout", null), `ATest.timeout is null: ${expected}`);
  for (const field of ["connectTimeout", "headersTimeout", "bodyTimeout"]) {
    assert.equal(
      check(HttpUser, field, 3),
      `ATest.${field} is 3: expected no value, because only a FastHttpUser has this setting`,
    );
  }
  assert.equal(check(FastHttpUser, "maxBodySize", Infinity), "good");
  assert.equal(
    check(HttpUser, "maxBodySize", -1),
    "ATest.maxBodySize is -1: expected a number of bytes, 0 or more, or Infinity for no limit",
  );
  assert.equal(
    check(FastHttpUser, "maxBodySize", "1 MB"),
    'ATest.maxBodySize is "1 MB": expected a number of bytes, 0 or more, or Infinity for no limit',
  );
  for (const base of [HttpUser, FastHttpUser]) {
    for (const value of [0, 20, Infinity]) assert.equal(check(base, "maxRedirects", value), "good");
    assert.equal(
      check(base, "maxRedirects", -1),
      "ATest.maxRedirects is -1: expected a whole number of 0 or more, or Infinity for no limit",
    );
  }
  for (const base of [HttpUser, FastHttpUser]) {
    for (const value of ["user", "iteration"]) assert.equal(check(base, "session", value), "good");
    assert.equal(
      check(base, "session", "pass"),
      'ATest.session is "pass": expected "user" or "iteration"',
    );
  }
  for (const base of [HttpUser, FastHttpUser]) {
    assert.equal(check(base, "headers", { "accept-language": "de" }), "good");
    const expected = 'expected names and values like { "accept-language": "de" }';
    assert.equal(check(base, "headers", "a: b"), `ATest.headers is "a: b": ${expected}`);
    assert.equal(
      check(base, "headers", { "x-a": null }),
      `ATest.headers is an object: ${expected}, but x-a is null, expected a string`,
    );
  }
  assert.equal(
    check(User, "session", "iteration"),
    'ATest.session is "iteration": expected no value, because only a FastHttpUser and an HttpUser ' +
      "have a session",
  );
  assert.equal(check(FastHttpUser, "keepAlive", false), "good");
  assert.equal(
    check(FastHttpUser, "keepAlive", "no"),
    'ATest.keepAlive is "no": expected true or false',
  );
  assert.equal(check(FastHttpUser, "localAddresses", ["10.0.0.2", "10.0.0.3"]), "good");
  const addresses = 'expected a list of IP addresses, all IPv4 or all IPv6, like ["10.0.0.2"]';
  for (
    const [value, text] of [["10.0.0.2", '"10.0.0.2"'], [["eth0"], "[ 'eth0' ]"], [null, "null"]]
  ) {
    assert.equal(
      check(FastHttpUser, "localAddresses", value),
      `ATest.localAddresses is ${text}: ${addresses}`,
    );
  }
  assert.equal(
    check(FastHttpUser, "localAddresses", ["10.0.0.2", "::1"]),
    `ATest.localAddresses is [ '10.0.0.2', '::1' ]: ${addresses}`,
  );
  assert.equal(check(FastHttpUser, "dns", "first"), "good");
  assert.equal(
    check(FastHttpUser, "dns", "round-robin"),
    'ATest.dns is "round-robin": expected "first", "rotate" or "random"',
  );
  assert.equal(
    check(HttpUser, "dns", "first"),
    'ATest.dns is "first": expected no value, because only a FastHttpUser has this setting',
  );
  assert.equal(
    check(HttpUser, "keepAlive", false),
    "ATest.keepAlive is false: expected no value, because only a FastHttpUser has this setting",
  );
});

Deno.test("tags must be strings", () => {
  assert.throws(() => tag("a", 5 as never), {
    name: "TypeError",
    message: "@tag(5): expected strings",
  });
});

Deno.test("a class whose static name is no string has the name of its export", () => {
  const userClass = class extends User {
    testNothing(): void {}
  };
  Object.defineProperty(userClass, "name", { value: Symbol("name") });
  assert.deepEqual(find({ ATest: userClass }).map(({ name }) => name), ["ATest"]);
});

class Decorated {
  @weight(3)
  @tag("checkout", "slow")
  testPay(): void {}

  testLook(): void {}
}

class Inheriting extends Decorated {
  @tag("quick")
  override testLook(): void {}
}

Deno.test("a test without decorators has the weight 1 and no tags", () => {
  assert.equal(weightOf(Decorated.prototype.testLook), 1);
  assert.deepEqual(tagsOf(Decorated.prototype.testLook), []);
});

Deno.test("decorators apply to one method and are inherited with it", () => {
  assert.equal(weightOf(Inheriting.prototype.testPay), 3);
  assert.deepEqual(tagsOf(Inheriting.prototype.testPay), ["checkout", "slow"]);
  assert.deepEqual(tagsOf(Inheriting.prototype.testLook), ["quick"]);
});

for (const share of [0, -1, 1.5, NaN, 2_000_000]) {
  Deno.test(`@weight(${share}) is refused`, () => {
    assert.throws(() => weight(share), {
      name: "RangeError",
      message: `@weight(${share}): expected a whole number from 1 to 1,000,000`,
    });
  });
}

class TestTagged extends User {
  @tag("read", "fast")
  testSearch(): void {}
  @tag("write")
  testPay(): void {}
  testIdle(): void {}
}

class TestAdmin extends User {
  @tag("write", "slow")
  testImport(): void {}
}

const TAGGED = [discovered(TestTagged), discovered(TestAdmin)];

const TAG_CHOICES: [tags: string[], excludeTags: string[], left: string[]][] = [
  [[], [], [
    "TestTagged.testSearch",
    "TestTagged.testPay",
    "TestTagged.testIdle",
    "TestAdmin.testImport",
  ]],
  [["read"], [], ["TestTagged.testSearch"]],
  [["fast", "slow"], [], ["TestTagged.testSearch", "TestAdmin.testImport"]],
  [["write"], ["slow"], ["TestTagged.testPay"]],
  [[], ["write"], ["TestTagged.testSearch", "TestTagged.testIdle"]],
  [["read"], ["unknown"], ["TestTagged.testSearch"]],
];

for (const [tags, excludeTags, left] of TAG_CHOICES) {
  Deno.test(`of --tags ${tags} --exclude-tags ${excludeTags} are left: ${left}`, () => {
    const selected = selectTests(TAGGED, { tags, excludeTags });
    assert.deepEqual(
      selected.flatMap(({ name, tests }) => tests.map((test) => `${name}.${test.name}`)),
      left,
    );
  });
}

Deno.test("selecting does not change the classes", () => {
  selectTests(TAGGED, { tags: ["read"], excludeTags: [] });
  assert.equal(TAGGED[0]!.tests.length, 3);
});

Deno.test("classes are selected by name, in the order of the test file", () => {
  const names = (wanted: readonly string[]): string[] =>
    selectClasses(TAGGED, wanted).map(({ name }) => name);
  assert.deepEqual(names([]), ["TestTagged", "TestAdmin"]);
  assert.deepEqual(names(["TestAdmin"]), ["TestAdmin"]);
  assert.deepEqual(names(["TestAdmin", "TestTagged"]), ["TestTagged", "TestAdmin"]);
  const known = "Its user classes: TestTagged, TestAdmin.";
  for (const [wanted, hint] of [["TestAdmn", `Did you mean TestAdmin? ${known}`], ["X", known]]) {
    assert.throws(
      () => selectClasses(TAGGED, ["TestAdmin", wanted!]),
      new UsageError(
        `--user-classes ${wanted}: the test file has no such user class, or its weight is 0`,
        hint,
      ),
    );
  }
});

function withLoad(load: unknown): UserClass {
  class BuyerTest extends User {
    static override load = load as Curve | null;
    testBuy(): void {}
  }
  return BuyerTest;
}

for (
  const [what, load, message, hint] of [
    [
      "a plain load",
      { users: 5, rate: 1 },
      "{ users: 5, rate: 1 }: expected a curve such as hold({ users: 10 }), or null",
      "For a constant load, write static override load = hold({ … }).",
    ],
    [
      "the options of a ramp",
      { seconds: 9, arrivalRate: { from: 0, to: 5 } },
      "{ seconds: 9, arrivalRate: { from: 0, to: 5 } }: expected a curve such as " +
      "hold({ users: 10 }), or null",
      "For a straight line, write static override load = ramp({ … }).",
    ],
    [
      "stages",
      [{ duration: 5, users: 1, rate: 1 }],
      "[ { duration: 5, users: 1, rate: 1 } ]: expected a curve such as hold({ users: 10 }), or null",
      "For stages, write static override load = stages([ … ]).",
    ],
    [
      "a shape",
      class TestShape extends LoadUserShape {},
      "a shape: expected a curve such as hold({ users: 10 }), or null",
      "A shape is the load of all classes without one of their own. Use its curve here, or " +
      "stages(…) with its stages.",
    ],
    ["a number", 5, "5: expected a curve such as hold({ users: 10 }), or null", ""],
    ["nothing", undefined, "undefined: expected a curve such as hold({ users: 10 }), or null", ""],
  ] as const
) {
  Deno.test(`a load that is ${what} is refused`, () => {
    assert.throws(
      () => find({ BuyerTest: withLoad(load) }),
      new UsageError(`BuyerTest.load is ${message}`, hint),
    );
  });
}

Deno.test("a curve without a valid length is refused as a load", () => {
  const load = { seconds: 0, at: () => ({ users: 1 }) };
  assert.throws(
    () => find({ BuyerTest: withLoad(load) }),
    new UsageError(
      "BuyerTest.load: the seconds of a curve must be a number over 0 or null, not 0",
    ),
  );
});

Deno.test("weights of a class with a load, and durations that look like ends, are warned of", () => {
  class BuyerTest extends withLoad(hold({ users: 5 })) {
    static override weight = 3;
    static override fixedCount = 2;
  }
  const copied = stages([60, 100, 180].map((duration) => ({ duration, users: 1, rate: 1 })));
  const CopiedTest = withLoad(copied);
  assert.deepEqual(warningsOf({ BuyerTest }), [
    "weight and fixedCount of BuyerTest have no effect: the class has a load of its own.",
  ]);
  assert.match(
    warningsOf({ CopiedTest }).join(),
    /^BuyerTest\.load: the durations of its stages rise \(60, 100, 180\)/,
  );
  assert.deepEqual(warningsOf({ BuyerTest: withLoad(hold({ users: 5 })) }), []);
});

function selectionRefusal(choice: TagChoice, classes = TAGGED): UsageError {
  try {
    selectTests(classes, choice);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error;
  }
  throw new Error("tests were left");
}

Deno.test("if no tests match, the error lists the available tags", () => {
  const error = selectionRefusal({ tags: ["a", "b"], excludeTags: [] });
  assert.equal(error.message, "--tags a,b: no tests match");
  assert.equal(error.hint, "Tags of the test file: fast, read, slow, write.");
  assert.equal(
    selectionRefusal({ tags: ["read"], excludeTags: ["fast"] }).message,
    "--tags read and --exclude-tags fast: no tests match",
  );
  class TestPlain extends User {
    testIt(): void {}
  }
  assert.equal(
    selectionRefusal({ tags: ["a"], excludeTags: [] }, [discovered(TestPlain)]).hint,
    "The tests of the test file have no tags.",
  );
});
