import assert from "node:assert/strict";
import { projectPackages, sortPackages } from "../../build/shipped_packages.ts";
import { PROJECT_ROOT } from "../support/paths.ts";

Deno.test("what the product imports is shipped, and what test files are offered", () => {
  const imports = {
    "aiotest": "./mod.ts",
    "csv-parse": "npm:csv-parse@7.0.3",
    "fast-check": "npm:fast-check@4.10.2",
    "fast": "npm:fast@4.10.2",
    "redis": "npm:redis@6.3.1",
  };
  assert.deepEqual(sortPackages(imports, ["file:///a/mod.ts", "node:url", "npm:/fast@4.10.2/x"]), {
    shipped: {
      "csv-parse": "npm:csv-parse@7.0.3",
      "fast": "npm:fast@4.10.2",
      "redis": "npm:redis@6.3.1",
    },
    others: { "fast-check": "npm:fast-check@4.10.2" },
  });
});

Deno.test("the packages of the tests are not shipped", async () => {
  const { shipped, others } = await projectPackages(PROJECT_ROOT);
  assert.ok("redis" in shipped);
  assert.ok("@opentelemetry/exporter-metrics-otlp-http" in shipped);
  assert.ok("commander" in shipped);
  assert.ok("fast-check" in others);
  assert.ok("hdr-histogram-js" in others);
});
