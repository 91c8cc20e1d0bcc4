import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import type { MetricFamily } from "../../src/report/metric_families.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { composeRun, DEPLOY } from "../support/compose/compose_file.ts";
import { dashboardQueries } from "../support/prometheus_server.ts";
import {
  latencies,
  phaseTotals,
  scriptedSnapshot,
  statistics,
  unfinishedAt,
} from "../support/snapshots.ts";

/** The metrics of a run in which everything happens. */
function everyFamily(): MetricFamily[] {
  const shop = scriptedSnapshot(40);
  const [buyers, admins] = shop.statistics.classes;
  const iterations = {
    scheduled: 9,
    started: 8,
    completed: 7,
    interrupted: 0,
    dropped: 1,
    serviceTimeMs: latencies(100),
    startDelayMs: latencies(1),
  };
  return new RunMetrics({ buckets: [50], version: "0.1.0" }).of({
    ...shop,
    arrivalRate: 5,
    thresholds: [{ expression: "p95<1s", observed: 1, passed: true }],
    statistics: statistics({
      ...shop.statistics,
      requests: shop.statistics.requests.map((row) => ({
        ...row,
        ...unfinishedAt(11_000),
        inProgress: { count: 1, oldestMs: 500 },
        phases: phaseTotals({ connect: [1], ttfb: [10] }, { opened: 1, reused: 1 }),
      })),
      iterations,
      classes: [
        { ...buyers!, load: { users: 5, arrivalRate: 0.5 }, iterations: { ...iterations } },
        admins!,
      ],
      network: { samples: 64, retransmitting: 1, roundTripMs: latencies(0.2) },
    }),
  }, [{ name: "pay", complete: 1, incomplete: 1 }]);
}

/** The labels that each metric has, under each name that Prometheus has for it. */
function labelsOfSeries(): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const { name, type, points } of everyFamily()) {
    const labels = points.flatMap((point) => Object.keys(point.labels));
    assert.ok(points.length > 0, name);
    const own: Record<string, string[]> = {
      histogram: ["_bucket", "_sum", "_count"],
      summary: ["", "_sum", "_count"],
    };
    for (const suffix of own[type] ?? [""]) {
      all.set(`${name}${suffix}`, new Set([...labels, "le", "quantile", "job", "instance"]));
    }
  }
  return all;
}

Deno.test("the queries of the Grafana dashboard use only metrics of aiotest", async () => {
  const known = labelsOfSeries();
  const asked = new Set<string>();
  for (const { title, expression } of await dashboardQueries()) {
    const names = [...expression.matchAll(/aiotest_\w+/g)].map(([name]) => name);
    assert.ok(names.length > 0, title);
    const labels = new Set<string>();
    for (const name of names) {
      assert.ok(known.has(name), `${title}: ${name}`);
      asked.add(name.replace(/_(bucket|sum|count)$/, ""));
      known.get(name)!.forEach((label) => labels.add(label));
    }
    for (const [, list] of expression.matchAll(/by \(([^)]*)\)/g)) {
      for (const label of list!.split(",")) {
        assert.ok(labels.has(label.trim()), `${title}: ${label}`);
      }
    }
  }
  assert.ok(asked.size > 15, [...asked].join());
});

Deno.test("the panels of the dashboard do not overlap, and have unique ids", async () => {
  const { panels, uid } = JSON.parse(await Deno.readTextFile(`${DEPLOY}/grafana/aiotest.json`));
  assert.equal(uid, "aiotest");
  const taken = new Set<string>();
  for (const { id, title, gridPos: { x, y, w, h } } of panels) {
    assert.ok(!taken.has(`id ${id}`), title);
    taken.add(`id ${id}`);
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert.ok(!taken.has(`${column} ${row}`), title);
        taken.add(`${column} ${row}`);
      }
    }
  }
});

Deno.test("Grafana is provisioned with the dashboard and Prometheus", async () => {
  const read = async (name: string): Promise<Record<string, unknown[]>> =>
    parseYaml(await Deno.readTextFile(`${DEPLOY}/grafana/provisioning/${name}`)) as Record<
      string,
      unknown[]
    >;
  const { datasources } = await read("datasources/prometheus.yml");
  assert.deepEqual(datasources, [{
    name: "Prometheus",
    type: "prometheus",
    access: "proxy",
    url: "http://127.0.0.1:9090",
    isDefault: true,
    jsonData: { timeInterval: "2s" },
  }]);
  const { providers } = await read("dashboards/aiotest.yml");
  assert.deepEqual(providers, [
    { name: "aiotest", type: "file", options: { path: "/var/lib/grafana/dashboards" } },
  ]);
});

Deno.test("Grafana and Prometheus of the lab find each other, and the master", async () => {
  const { services, configs } = composeRun("lab");
  const own = Deno.readTextFileSync(`${DEPLOY}/grafana/provisioning/datasources/prometheus.yml`);
  assert.deepEqual(
    parseYaml(configs!["data-source"]!.content),
    parseYaml(own.replace("http://127.0.0.1:9090", "http://prometheus:9090")),
  );
  const mounts = (name: string): string[][] =>
    services[name]!.volumes!.map((volume) => volume.split(":"));
  const [provider, dashboard] = mounts("grafana");
  const { providers } = parseYaml(await Deno.readTextFile(`${DEPLOY}/${provider![0]}`));
  assert.equal(dashboard![1], `${providers[0].options.path}/aiotest.json`);
  const { uid } = JSON.parse(await Deno.readTextFile(`${DEPLOY}/${dashboard![0]}`));
  assert.equal(uid, "aiotest");

  const { scrape_configs } = parseYaml(
    await Deno.readTextFile(`${DEPLOY}/${mounts("prometheus")[0]![0]}`),
  );
  const [{ static_configs, authorization }] = scrape_configs;
  assert.deepEqual(static_configs, [{ targets: ["master:8089"] }]);
  const [token] = services.prometheus!.configs!;
  assert.equal(authorization.credentials_file, token!.target);
  assert.equal(configs![token!.source]!.content, services.master!.environment!.AIOTEST_WEB_TOKEN);
});
