import assert from "node:assert/strict";
import { main } from "../../../src/cli/main.ts";
import { delayed, hold } from "../../../src/load/curves.ts";
import { LoadUserShape } from "../../../src/load/load_user_shape.ts";
import { nodeCluster } from "../../../src/shared/cluster.ts";
import { csv } from "../../../src/shared/feeders.ts";
import { tag, weight } from "../../../src/user/discovery.ts";
import { FastHttpUser } from "../../../src/user/fast_http_user.ts";
import { User } from "../../../src/user/user.ts";
import { between } from "../../../src/user/wait_time.ts";
import { FakeHost, type FakeHostOptions } from "../../support/fake_host.ts";

class ShopTest extends FastHttpUser {
  static override host = "http://me:s3cret@127.0.0.1:8000";
  static override order = "random" as const;

  @weight(3)
  @tag("search", "fast")
  testSearch(): void {}
  testPay(): void {}
}

class QueueTest extends User {
  static override fixedCount = 2;
  static override iterations = 5;
  static override waitTime = between(1, 2);

  testTake(): void {}
}

async function check(
  exports: Record<string, unknown>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return await checkOn({}, exports, ...args);
}

async function checkOn(
  machine: Pick<FakeHostOptions, "env" | "files">,
  exports: Record<string, unknown>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const host = new FakeHost({
    ...machine,
    args: ["check", ...args],
    modules: { "/home/me/shop_test.ts": () => exports },
  });
  const code = await main(host);
  return { code, out: host.stdout.text, err: host.stderr.text };
}

Deno.test("check lists what a run would do, and its warnings", async () => {
  const rule = { threshold: "error_rate<1%", abort: true, after: "10s" };
  const exports = { ShopTest, QueueTest, thresholds: ["p95<200ms", rule], options: {} };
  const { code, out, err } = await check(exports, "shop_test.ts", "-u", "3", "-t", "1m");
  assert.equal(err, "");
  assert.equal(code, 0);
  assert.equal(
    out,
    `shop_test.ts can run.

ShopTest: weight 1, http://…@127.0.0.1:8000, waits 1 s, random
  testSearch: weight 3, tags search, fast
  testPay: weight 1
QueueTest: 2 users, no host, waits as a function says, 5 iterations
  testTake

Load:       3 users, 1 started per second, 1m
Thresholds: p95<200ms, error_rate<1% (ends the run from 10 s on)

! The test file's export options has no effect. Options are given on the command
line or in the --config file.
`,
  );
});

Deno.test("check lists the loads of classes, and says which class needs a host", async () => {
  class BuyerTest extends FastHttpUser {
    static override load = delayed(30, hold({ seconds: 60, arrivalRate: 5 }));
    testBuy(): void {}
  }
  const exports = { BuyerTest, ShopTest, QueueTest };
  const { out } = await check(exports, "shop_test.ts", "-u", "3", "-t", "2m");
  assert.match(out, /\nBuyerTest: its own load, no host, waits 1 s\n/);
  assert.match(
    out,
    /\nLoad: {7}ShopTest and QueueTest: 3 users, 1 started per second, 2m\n {12}BuyerTest: at most 5 iterations per second, 1m30s\n/,
  );
  const text = out.replaceAll("\n", " ");
  assert.match(
    text,
    /! BuyerTest has no host: requests with relative URLs need one\. Give it with -H/,
  );
  const other = await check(exports, "shop_test.ts", "-H", "http://127.0.0.1:8000", "-u", "3");
  assert.doesNotMatch(other.out, /no host/);
});

Deno.test("check follows a shape to its end, and finds what is wrong with it", async () => {
  class ShopShapeTest extends LoadUserShape {
    static override curve = hold({ seconds: 90, arrivalRate: 5 });
  }
  const good = await check({ ShopTest, ShopShapeTest }, "-f", "shop_test.ts");
  assert.match(
    good.out,
    /Load: +ShopShapeTest: at most 5 iterations per second, 1m30s\n/,
  );
  class BadShapeTest extends LoadUserShape {
    override tick(): null {
      throw new Error("no plan");
    }
  }
  const bad = await check({ ShopTest, BadShapeTest }, "shop_test.ts");
  assert.equal(bad.code, 2);
  assert.equal(bad.out, "");
  assert.match(bad.err, /^aiotest: BadShapeTest\.tick\(\) at 0\.0 s threw: no plan/);
});

for (
  const [what, args, message] of [
    ["a missing file", ["other.ts"], /Test file not found: .*other\.ts/],
    ["two files", ["a.ts", "b.ts"], /b\.ts: unknown command/],
    ["a file and another -f", ["a.ts", "-f", "b.ts"], /check takes one test file: a\.ts, b\.ts/],
    [
      "an unknown option",
      ["shop_test.ts", "--usrs", "3"],
      /--usrs: unknown option\nDid you mean --users/,
    ],
    ["an invalid host", ["shop_test.ts", "-H", "localhost"], /Did you mean http:\/\/localhost\?/],
    [
      "options that contradict",
      ["shop_test.ts", "--master", "--worker"],
      /--master cannot be used/,
    ],
  ] as const
) {
  Deno.test(`check refuses ${what}`, async () => {
    const { code, err } = await check({ ShopTest }, ...args);
    assert.equal(code, 2);
    assert.match(err, message);
  });
}

Deno.test("check refuses a proxy that requests could not use", async () => {
  const env = { HTTP_PROXY: "ftp://127.0.0.1" };
  const { code, out, err } = await checkOn({ env }, { ShopTest }, "shop_test.ts");
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^aiotest: HTTP_PROXY has the scheme ftp/);
});

// The last one, because the feeder stays.
Deno.test("check reads the rows of feeders", async () => {
  nodeCluster.feeder("accounts", csv("accounts.csv"));
  const files = { "/home/me/accounts.csv": "name\nann\nbob\n" };
  const good = await checkOn({ files }, { ShopTest }, "shop_test.ts");
  assert.match(good.out, /\nFeeders: +accounts \(2 rows\)\n/);
  const bad = await check({ ShopTest }, "shop_test.ts");
  assert.deepEqual([bad.code, bad.out], [2, ""]);
  assert.match(bad.err, /^aiotest: feeder accounts: accounts\.csv: there is no such file/);
});
