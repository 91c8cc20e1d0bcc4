import assert from "node:assert/strict";
import { importTestFile, readTestFile } from "../../src/cli/test_file.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { NodeCluster } from "../../src/shared/cluster.ts";
import type { UserContext } from "../../src/user/context.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeHost } from "../support/fake_host.ts";

class TestShop extends User {
  testSearch(): void {}
}

class TestShape extends LoadUserShape {
  override tick(): [number, number] {
    return [1, 1];
  }
}

Deno.test("a test file is found from the working directory, or by its full path", async () => {
  const host = new FakeHost({
    modules: {
      "/home/me/load/shop.ts": () => ({ TestShop }),
      "/other/shop.mjs": () => ({ TestShape }),
    },
  });
  assert.deepEqual(await importTestFile(host, "load/shop.ts"), { TestShop });
  assert.deepEqual(await importTestFile(host, "/other/shop.mjs"), { TestShape });
});

Deno.test("a missing test file is named with its full path", async () => {
  await assert.rejects(importTestFile(new FakeHost(), "aiotestfile.ts"), {
    name: "UsageError",
    message: "There is no test file /home/me/aiotestfile.ts",
    hint: "Name the test file with -f; aiotest init writes a first one.",
  });
});

Deno.test("only modules are test files", async () => {
  for (const name of ["shop.py", "shop.tsx", "shop", "shop.ts.bak"]) {
    const host = new FakeHost({ files: { [`/home/me/${name}`]: "" } });
    await assert.rejects(importTestFile(host, name), {
      name: "UsageError",
      message: `/home/me/${name}: a test file ends in .ts, .js, .mts, .mjs`,
    });
  }
  for (const name of ["a.ts", "a.js", "a.mts", "a.mjs"]) {
    const host = new FakeHost({ modules: { [`/home/me/${name}`]: () => ({ name }) } });
    assert.deepEqual(await importTestFile(host, name), { name });
  }
});

Deno.test("a test file that throws is refused, with what it threw", async () => {
  const load = (): never => {
    const error = new RangeError("no data");
    error.stack = "RangeError: no data\n    at file:///home/me/shop.ts:3:7";
    throw error;
  };
  await assert.rejects(
    importTestFile(new FakeHost({ modules: { "/home/me/shop.ts": load } }), "shop.ts"),
    {
      name: "UsageError",
      exitCode: 2,
      message: "/home/me/shop.ts:3:7: an error while it was imported: RangeError: no data",
    },
  );
});

Deno.test("a test file has user classes, and a shape or none", () => {
  const plain = readTestFile({ TestShop });
  assert.deepEqual(plain.userClasses.map(({ name }) => name), ["TestShop"]);
  assert.equal(plain.shapeClass, null);

  class Steps extends TestShape {}
  const shaped = readTestFile({ TestShop, TestShape, again: TestShape, Steps });
  assert.deepEqual(shaped.userClasses.map(({ name }) => name), ["TestShop"]);
  assert.equal(shaped.shapeClass, TestShape);
});

Deno.test("two shapes are refused", () => {
  class OtherTest extends TestShape {}
  assert.throws(() => readTestFile({ TestShop, OtherTest, TestShape }), {
    name: "UsageError",
    message: "The test file has more than one shape: OtherTest, TestShape",
  });
});

Deno.test("a shape that cannot be run is refused", () => {
  class TestNoShape extends LoadUserShape {}
  assert.throws(() => readTestFile({ TestShop, TestNoShape }), {
    name: "UsageError",
    exitCode: 2,
    message:
      "TestNoShape has no tick() method of its own, no curve and no stages, one of them is needed.",
  });
});

Deno.test("a test file with nothing but a shape has no user class", () => {
  assert.throws(() => readTestFile({ TestShape }), {
    name: "UsageError",
    message: "The test file has no user class: what it exports does not count\n" +
      "  TestShape: a class, but it does not extend User",
  });
});

Deno.test("what the user that is made for a look measures is dropped, and it is told to stop", () => {
  let seen: AbortSignal | null = null;
  class TestEager extends TestShop {
    constructor(context: UserContext) {
      super(context);
      seen = this.signal;
      assert.equal(seen.aborted, false);
      this.record({ name: "made", latencyMs: 1 });
    }
  }
  readTestFile({ TestEager });
  assert.equal(seen!.aborted, true);
});

Deno.test("what the user that is made for a look wants to share is dropped too", async () => {
  const cluster = new NodeCluster(new FakeClock());
  const calls: string[] = [];
  cluster.attach({
    node: "local",
    call: ({ service }, _, done) => {
      calls.push(service);
      done({ result: "ok", value: "1" });
      return () => {};
    },
  });
  class TestCounted extends User {
    readonly ready = cluster.counter("made").add();
    testStep(): void {}
  }
  readTestFile({ TestCounted });
  assert.deepEqual(calls, []);
  assert.equal(await cluster.counter("made").add(), 1);
});
