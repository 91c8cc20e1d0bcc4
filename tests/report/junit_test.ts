import fc from "fast-check";
import assert from "node:assert/strict";
import { junit, xmlAttribute, xmlText } from "../../src/report/junit.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { checkJunit, type Element, elementsOf, parseXml } from "../support/junit.ts";
import {
  checkRow,
  clusterSnapshot,
  counterRow,
  emptySnapshot,
  gaugeRow,
  groupRow,
  latencies,
  NO_LATENCIES,
  rateRow,
  requestRow,
  snapshot,
  statistics,
  trendRow,
  unfinishedAt,
} from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

function report(of: Snapshot): Element {
  const root = parseXml(joined(junit(of)));
  checkJunit(root);
  return root;
}

function testOf(root: Element, name: string): Element {
  const found = elementsOf(root, "testcase").filter(({ attributes }) => attributes.name === name);
  assert.equal(found.length, 1, name);
  return found[0]!;
}

function problemOf(test: Element): Readonly<Record<string, string>> | null {
  const problem = test.children.find(({ name }) => name === "failure" || name === "error");
  return problem === undefined
    ? null
    : { is: problem.name, ...problem.attributes, details: problem.text };
}

const MIXED = snapshot({
  state: "stopped",
  thresholds: [
    { expression: "p95<200ms", observed: 120.5, passed: true },
    { expression: "error_rate[POST pay]<1%", observed: 0.025, passed: false },
    { expression: "count[GET gone]>=1", observed: null, passed: false },
  ],
  statistics: statistics({
    requests: [
      requestRow({ name: "search" }),
      requestRow({ method: "POST", name: "pay", failures: 25 }),
    ],
    failures: [
      { method: "POST", name: "pay", error: "HTTP 503", count: 20 },
      { method: "POST", name: "pay", error: "timed out", count: 5 },
    ],
    userErrors: [{ user: "ShopTest", error: "no token", place: "shop.ts:12:7", count: 2 }],
  }),
  complete: false,
  warnings: ["Worker a has not sent its final report: up to 2 s of its counts are missing."],
});

Deno.test("there is a test for each threshold and each name, for user errors, and for the counts", () => {
  const root = report(MIXED);
  const { tests, failures, errors, time } = root.attributes;
  assert.deepEqual({ tests, failures, errors, time }, {
    tests: "7",
    failures: "3",
    errors: "2",
    time: "10.000",
  });
  const names = elementsOf(root, "testcase").map(({ attributes: { classname, name } }) =>
    `${classname}: ${name}`
  );
  assert.deepEqual(names, [
    "aiotest.thresholds: p95<200ms",
    "aiotest.thresholds: error_rate[POST pay]<1%",
    "aiotest.thresholds: count[GET gone]>=1",
    "aiotest.requests: GET search",
    "aiotest.requests: POST pay",
    "aiotest.run: no user throws an error",
    "aiotest.run: all counts are in",
  ]);
});

Deno.test("a threshold that is not judged is skipped", () => {
  const thresholds = [
    { expression: "max<1s", observed: 1200, passed: false },
    { expression: "p95[GET late]<1s", observed: null, passed: null },
  ];
  const run = snapshot({ state: "stopped", thresholds });
  report(run);
  const text = joined(junit(run));
  assert.match(text, /name="aiotest.thresholds" tests="2" failures="1" errors="0" skipped="1"/);
  assert.match(
    text,
    /<testcase name="p95\[GET late\]&lt;1s" [^>]*>\n +<skipped message="not judged: [^"]+"\/>/,
  );
});

Deno.test("a name has its unfinished requests, and fails if none was answered", () => {
  const stalled = requestRow({
    name: "stalled",
    ...unfinishedAt(10_960, 11_040),
    latencyMs: { ...latencies(12), max: 11_040 },
  });
  const never = requestRow({
    name: "never",
    requests: 0,
    ...unfinishedAt(2500),
    latencyMs: { ...NO_LATENCIES, mean: 2500, max: 2500 },
  });
  const root = report(snapshot({ statistics: statistics({ requests: [stalled, never] }) }));
  const one = testOf(root, "GET stalled");
  assert.equal(problemOf(one), null);
  const output = elementsOf(one, "system-out")[0]!.text;
  assert.match(output, /^unfinished: 2 \(after up to 11\.0 s\)$/m);
  assert.match(output, /^ {2}p99 96\.0$/m);
  assert.match(output, /^ {2}max ≥11040$/m);
  assert.deepEqual(problemOf(testOf(root, "GET never")), {
    is: "failure",
    type: "unfinished",
    message: "1 request sent, none answered",
    details: "unfinished: 1 (after up to 2.50 s)",
  });
});

Deno.test("groups are tests, and checks and metrics are the output of a test that passes", () => {
  const root = report(snapshot({
    state: "stopped",
    statistics: statistics({
      groups: [
        groupRow({ failures: 5 }),
        groupRow({ name: "idle", count: 0, unfinished: { count: 2, oldestMs: 9000 } }),
      ],
      checks: [checkRow()],
      metrics: [rateRow(), trendRow(), counterRow(), gaugeRow()],
    }),
  }));
  const failed = testOf(root, "checkout");
  assert.equal(failed.attributes.classname, "aiotest.groups");
  assert.equal(problemOf(failed)!.message, "5 of 500 groups failed (1.00%)");
  assert.match(elementsOf(failed, "system-out")[0]!.text, /^duration in ms:\n {2}min 50\.0$/m);
  assert.equal(problemOf(testOf(root, "idle"))!.message, "2 groups started, none ended");
  const measured = testOf(root, "checks and metrics, which only thresholds judge");
  assert.equal(problemOf(measured), null);
  assert.equal(
    elementsOf(measured, "system-out")[0]!.text,
    `check has a token: 99.7% passed, 997 passed, 3 failed
rate cache_hits: 92.5% (925 of 1000)
trend cart_size: p50 4, p95 12, max 160 items (500 values)
counter logins: 1,234 (123/s)
gauge queue length: 7 (0 to 42.5)`,
  );
});

Deno.test("failed tests contain the observed values", () => {
  const root = report(MIXED);
  assert.equal(problemOf(testOf(root, "p95<200ms")), null);
  assert.deepEqual(problemOf(testOf(root, "error_rate[POST pay]<1%")), {
    is: "failure",
    message: "observed: 2.5%",
    type: "threshold",
    details: "error_rate[POST pay]<1% observed: 2.5%",
  });
  assert.equal(problemOf(testOf(root, "count[GET gone]>=1"))!.message, "observed: no sample");
  assert.equal(problemOf(testOf(root, "GET search")), null);
  assert.deepEqual(problemOf(testOf(root, "POST pay")), {
    is: "failure",
    message: "25 of 1,000 requests failed (2.50%)",
    type: "HTTP 503",
    details: "20 × HTTP 503\n5 × timed out",
  });
  assert.deepEqual(problemOf(testOf(root, "no user throws an error")), {
    is: "error",
    message: "users threw 2 errors",
    type: "user error",
    details: "2 × ShopTest: no token (shop.ts:12:7)",
  });
  assert.equal(problemOf(testOf(root, "all counts are in"))!.type, "incomplete");
});

Deno.test("requests that the load generator could not send are not errors of users", () => {
  const unsent = {
    user: "(load generator)",
    error: "EMFILE: none",
    place: null,
    count: 3,
  };
  const only = report(snapshot({ statistics: statistics({ userErrors: [unsent] }) }));
  assert.deepEqual(problemOf(testOf(only, "no user throws an error")), {
    is: "error",
    message: "3 requests could not be sent by the load generator",
    type: "load generator error",
    details: "3 × (load generator): EMFILE: none",
  });
});

Deno.test("the time of a request test is its mean latency, and its output has the figures", () => {
  const test = testOf(report(MIXED), "POST pay");
  assert.equal(test.attributes.time, "0.015");
  const [output] = elementsOf(test, "system-out");
  for (const figure of ["requests: 1000", "failures: 25 (2.50%)", "p95 36.0", "p99.9 240"]) {
    assert.ok(output!.text.includes(figure), output!.text);
  }
});

Deno.test("suites have the start of the run in UTC, and its id", () => {
  const suites = elementsOf(report(MIXED), "testsuite");
  for (const suite of suites) {
    assert.equal(suite.attributes.timestamp, "2026-03-05T10:29:59");
    const properties = elementsOf(suite, "property").map(({ attributes }) => attributes);
    assert.deepEqual(properties, [
      { name: "runId", value: "7c0e3d2a" },
      { name: "mode", value: "local" },
      { name: "users.peak", value: "10" },
    ]);
  }
});

Deno.test("name and labels of the run are in the title and in the properties", () => {
  const text = report({ ...MIXED, name: "night <1>", labels: { env: "staging", "build-id": "5" } });
  assert.equal(text.attributes.name, "aiotest: night <1>");
  const [suite] = elementsOf(text, "testsuite");
  assert.deepEqual(elementsOf(suite!, "property").slice(1, 4).map(({ attributes }) => attributes), [
    { name: "name", value: "night <1>" },
    { name: "label.env", value: "staging" },
    { name: "label.build-id", value: "5" },
  ]);
});

Deno.test("an empty run and a distributed run are valid reports", () => {
  const empty = report(emptySnapshot());
  assert.deepEqual(elementsOf(empty, "testsuite").map(({ attributes }) => attributes.name), [
    "aiotest.run",
  ]);
  assert.equal(empty.children[0]!.attributes.timestamp, undefined);
  report(clusterSnapshot(30));
});

Deno.test("a search for the breaking point does not fail by finding it", () => {
  const thresholds = [{ expression: "p95<200ms", observed: 312, passed: false }];
  const breakingPoint = {
    className: null,
    passed: { users: 100, arrivalRate: null },
    broke: { users: 200, arrivalRate: null },
    threshold: "p95<200ms",
  };
  const root = report(snapshot({ state: "stopped", thresholds, breakingPoint }));
  assert.equal(problemOf(testOf(root, "p95<200ms")), null);
  assert.equal(elementsOf(testOf(root, "p95<200ms"), "system-out")[0]!.text, "observed: 312 ms");
});

Deno.test("any name or error can be read back from the report", () => {
  fc.assert(fc.property(
    fc.string({
      unit: fc.constantFrom(..."a<>&\"' \n\t\r\0\x1b\x7f\ufffe\ud800é日😀]", "]]>"),
      minLength: 1,
    }),
    (text) => {
      const root = report(snapshot({
        thresholds: [{ expression: `p95[${text}]<1s`, observed: null, passed: false }],
        warnings: [text],
        statistics: statistics({
          requests: [requestRow({ name: text, failures: 1 })],
          failures: [{ method: "GET", name: text, error: text, count: 1 }],
          userErrors: [{ user: text, error: text, place: "shop.ts:12:7", count: 1 }],
        }),
      }));
      // deno-lint-ignore no-control-regex -- what controls something is what it is about
      if (/[\0\x1b\x7f\ufffe]|\p{Surrogate}/u.test(text)) return;
      assert.equal(problemOf(testOf(root, `GET ${text}`))!.details, `1 × ${text}`);
    },
  ));
});

Deno.test("a run that failed for another reason has a test that says so", () => {
  const failed = snapshot({
    state: "stopped",
    complete: true,
    warnings: ["The run failed: no tick"],
  });
  const root = parseXml(joined(junit(failed, 2)));
  checkJunit(root);
  assert.deepEqual(problemOf(testOf(root, "the run ends without an error")), {
    is: "error",
    type: "run",
    message: "the run failed with exit code 2",
    details: "The run failed: no tick",
  });
  assert.doesNotMatch(joined(junit(failed, 0)), /ends without an error/);
  assert.doesNotMatch(joined(junit(MIXED, 4)), /ends without an error/);
});

Deno.test("markup is escaped", () => {
  assert.equal(xmlText(`<a b="c">'&'</a>`), "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;");
});

Deno.test("characters that XML cannot represent are written as in code", () => {
  assert.equal(
    xmlText("\0\x08\x0b\x1b\x7f\x9b\ufffe\uffff"),
    [
      "\\u0000\\u0008\\u000b\\u001b",
      "\\u007f\\u009b\\ufffe\\uffff",
    ].join(""),
  );
  assert.equal(xmlText("a\ud800b\udc00"), "a\\ud800b\\udc00");
  assert.equal(xmlText("😀 日本"), "😀 日本");
});

Deno.test("line breaks are kept, also in attributes", () => {
  assert.equal(xmlText("a\tb\nc\rd"), "a\tb\nc&#13;d");
  assert.equal(xmlAttribute("a\tb\nc\rd"), "a&#9;b&#10;c&#13;d");
});

Deno.test("run.fail is a failure with its reason, run.stop is none, and both are named", () => {
  const reason = "<no stock>";
  const name = "the test does not call run.fail";
  const failed = report(
    snapshot({ state: "stopped", runEnd: { kind: "fail", reason, node: "w1" } }),
  );
  assert.deepEqual(problemOf(testOf(failed, name)), {
    is: "failure",
    type: "run.fail",
    message: reason,
    details: "ended by run.fail on w1: <no stock>",
  });
  const stopped = report(
    snapshot({ state: "stopped", runEnd: { kind: "stop", reason, node: "local" } }),
  );
  assert.equal(problemOf(testOf(stopped, name)), null);
  assert.match(testOf(stopped, name).children[0]!.text, /^ended by run\.stop: <no stock>$/);
});

Deno.test("an error of teardown is no failed test", () => {
  const userErrors = [{ user: "(teardown)", error: "cannot clean up", place: null, count: 1 }];
  const root = report(snapshot({ state: "stopped", statistics: statistics({ userErrors }) }));
  assert.equal(problemOf(testOf(root, "no user throws an error")), null);
});

Deno.test("an interrupted run has a test that says so, and one without an end has one that failed", () => {
  const root = report(snapshot({ state: "stopped", interrupted: true }));
  const interrupted = testOf(root, "the run was interrupted");
  assert.equal(problemOf(interrupted), null);
  assert.match(
    joined(junit(snapshot({ interrupted: true }))),
    /the run was interrupted<\/system-out>/,
  );
  const going = parseXml(joined(junit(snapshot({ complete: false }), null)));
  checkJunit(going);
  assert.deepEqual(problemOf(testOf(going, "the run has ended")), {
    is: "error",
    message: "the run was still going when this was written",
    type: "running",
    details: "",
  });
  assert.equal(problemOf(testOf(going, "all counts are in")), null);
});
