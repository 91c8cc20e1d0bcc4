import assert from "node:assert/strict";
import { CustomFlags } from "../../src/cli/custom_flags.ts";
import { fieldOf, formFlags, othersOf } from "../../src/cli/run_form.ts";
import type { Options } from "../../src/cli/options.ts";
import { numberedPath } from "../../src/cli/run_series.ts";

function flags(): ReturnType<CustomFlags["all"]> {
  return new CustomFlags([])
    .option("--tenant <name>", "whose data", "nobody")
    .option("--no-cache", "without a cache")
    .option("--parts <names...>", "which")
    .all();
}

function others(fields: Record<string, unknown>): unknown {
  const texts = othersOf(fields, flags());
  return typeof texts === "string" ? texts : Object.fromEntries(texts);
}

Deno.test("fields become the texts of options, and null takes an option away", () => {
  assert.deepEqual(others({}), {});
  assert.deepEqual(
    others({
      host: "http://x",
      runTime: 90,
      iterations: null,
      userClasses: ["A", "B"],
      tags: [],
      name: null,
      labels: { env: "test" },
      options: { tenant: "acme", cache: false, parts: ["a", "b"] },
    }),
    {
      host: ["http://x"],
      "run-time": ["90"],
      iterations: null,
      "user-classes": ["A,B"],
      tags: null,
      name: null,
      label: ["env=test"],
      tenant: ["acme"],
      "no-cache": ["true"],
      parts: ["a,b"],
    },
  );
});

Deno.test("a load of one model takes the other one's options away", () => {
  assert.deepEqual(others({ users: 5 }), {
    users: ["5"],
    "arrival-rate": null,
    "max-users": null,
  });
  assert.deepEqual(others({ arrivalRate: 5, maxUsers: 9 }), {
    "arrival-rate": ["5"],
    "max-users": ["9"],
    users: null,
    rate: null,
  });
  // A form sends all of its fields.
  assert.deepEqual(others({ users: 5, rate: 1, arrivalRate: null }), {
    users: ["5"],
    rate: ["1"],
    "arrival-rate": null,
    "max-users": null,
  });
});

Deno.test("unknown fields and wrong types are named, with what is expected", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ user: 5 }, /^Unknown field "user"; expected host, users, rate,/],
    [{ users: "5" }, /^users is "5"; expected a number\.$/],
    [{ tags: "a" }, /^tags is "a"; expected a list of names\.$/],
    [{ labels: { a: 1 } }, /^labels is .*; expected an object of texts\.$/],
    [{ options: [] }, /^options is \[\]; expected an object\.$/],
    [{ options: { x: 1 } }, /^Unknown option "x"; expected tenant, cache, parts\.$/],
    [{ options: { tenant: {} } }, /^options\.tenant is \{\}; expected a text,/],
    [{ toString: 1 }, /^Unknown field "toString"/],
  ];
  for (const [fields, message] of cases) assert.match(String(others(fields)), message);
});

Deno.test("a message names the field that it is about, if there is one", () => {
  const cases = [
    ['users is "x"; expected a number.', "users"],
    ["options.tenant is {}; expected a text.", "options.tenant"],
    ["--run-time x: expected a duration", "runTime"],
    ['--label "a b=x": expected labels', "labels"],
    ["--parts: expected a list", "options.parts"],
    ["--no-cache x: expected true or false", "options.cache"],
    ["--threshold x: expected", null],
    ["The test file has no tests", null],
    ["nothing is left", null],
  ] as const;
  for (const [message, field] of cases) assert.equal(fieldOf(message, flags()), field, message);
});

Deno.test("secrets of the test file's flags are not shown", () => {
  const added = new CustomFlags([])
    .option("--api-token <text>", "how users log in", "hush")
    .option("--tenant <name>", "whose data", "nobody")
    .all();
  const extra = { apiToken: "real", tenant: "acme" };
  const [token, tenant] = formFlags(added, { extra } as unknown as Options);
  assert.deepEqual(token, {
    ...{ name: "apiToken", flag: "--api-token", help: "how users log in", kind: "text" },
    ...{ default: null, value: null, isSecret: true, choices: null },
  });
  assert.deepEqual([tenant!.help, tenant!.value], ["whose data (default: nobody)", "acme"]);
});

Deno.test("files of further runs have their number, and streams stay", () => {
  assert.equal(numberedPath("report.html", 2), "report-2.html");
  assert.equal(numberedPath("out/report.html", 3), "out/report-3.html");
  assert.equal(numberedPath("samples.jsonl.gz", 2), "samples-2.jsonl.gz");
  assert.equal(numberedPath("report", 2), "report-2");
  assert.equal(numberedPath("a.b/report", 2), "a.b/report-2");
  assert.equal(numberedPath(".hidden", 2), ".hidden-2");
  assert.equal(numberedPath("-", 2), "-");
  assert.equal(numberedPath("/dev/stderr", 2), "/dev/stderr");
});
