import { Ajv } from "ajv";
import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { type CommandResult, runCommand } from "../../build/project.ts";
import project from "../../deno.json" with { type: "json" };
import schema from "../../deploy/helm/aiotest/values.schema.json" with { type: "json" };
import {
  type Job,
  type KubeObject,
  kustomized,
  Objects,
  replacing,
  schemaProblems,
  type TextMap,
} from "../support/kubernetes/objects.ts";
import { containerOf, environmentOf, settingsOf } from "../support/kubernetes/pods.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";

const ignore = isMissing("helm");
const CHART = projectPath("deploy/helm/aiotest");

/** The test file of deploy/kubernetes/run. */
const TEST_FILE = `testFile=${projectPath("deploy/kubernetes/run/aiotestfile.ts")}`;

/**
 * Renders the chart.
 *
 * @param values what follows each `--set`.
 */
function helm(values: readonly string[], ...flags: string[]): Promise<CommandResult> {
  const args = values.flatMap((value) => ["--set", value]);
  return runCommand("helm", ["template", "aiotest", CHART, ...args, ...flags]);
}

/** The objects that `helm install` would create. */
async function chart(values: readonly string[], ...flags: string[]): Promise<Objects> {
  const { code, stdout, stderr } = await helm(values, ...flags);
  assert.equal(code, 0, stderr);
  return Objects.parse(stdout);
}

/** What the chart needs to make the objects of `deploy/kubernetes`, which are made beforehand there. */
const PREPARED = ["existingSecret=aiotest-token", "reports.existingClaim=aiotest-reports"];

/** Objects by kind and name, without the labels by which Helm knows its own. */
function comparable(objects: Objects): Record<string, KubeObject> {
  return Object.fromEntries(
    objects.all.map((object) => {
      const labels = Object.entries(object.metadata.labels ?? {}).filter(([name]) =>
        !/^helm\.sh\/|\/(managed-by|version)$/.test(name)
      );
      const metadata = { ...object.metadata, labels: Object.fromEntries(labels) };
      return [`${object.kind} ${metadata.name}`, { ...object, metadata }];
    }),
  );
}

Deno.test("the chart makes the same objects as kustomize", {
  ignore: ignore || isMissing("kubectl"),
}, async () => {
  assert.deepEqual(
    comparable(await chart(PREPARED, "--set-file", TEST_FILE)),
    comparable(await kustomized("run")),
  );
  assert.deepEqual(
    comparable(
      await chart([...PREPARED, "dashboard.service=true", "workers=12"], "--set-file", TEST_FILE),
    ),
    comparable(
      await kustomized("run", [
        [
          "run/kustomization.yaml",
          replacing("# components:\n#   - ../dashboard", "components:\n  - ../dashboard"),
        ],
        ["run/options.env", replacing("WORKERS=4", "WORKERS=12")],
      ]),
    ),
  );
  const image = ["image.repository=registry.example.com/shop-load-test", "image.tag=v1"];
  const own = [...image, "options.aiotestfile=aiotestfile.ts"];
  assert.deepEqual(
    comparable(await chart([...PREPARED, ...own])),
    comparable(await kustomized("own-image")),
  );
});

Deno.test("every object of the chart matches the schemas of Kubernetes", { ignore }, async () => {
  const placed = (component: string): string[] => [
    `${component}.nodeSelector.pool=load`,
    `${component}.tolerations[0].key=load`,
    `${component}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key=pool`,
    `${component}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator=Exists`,
    `${component}.annotations.team=shop`,
  ];
  for (
    const values of [
      PREPARED,
      [
        "token=between-us",
        "reports.storageClassName=fast",
        ...placed("master"),
        ...placed("worker"),
      ],
      [
        ...["token=between-us", "webToken=for-us", "dashboard.service=true"],
        ...["reports.persistent=false", "networkPolicy.enabled=false", "worker.localPorts="],
        ...["imagePullSecrets[0].name=registry", "image.pullPolicy=Never"],
        ...["env[0].name=DB", "env[0].value=shop", "envFrom[0].configMapRef.name=aiotest-options"],
        "dataFiles.accounts\\.csv=a\\,b",
      ],
    ]
  ) {
    const { all } = await chart(values, "--set-file", TEST_FILE);
    for (const object of all) {
      assert.deepEqual(schemaProblems(object), [], `${object.kind} ${object.metadata.name}`);
    }
  }
});

Deno.test(
  "the command that the page on Kubernetes installs the chart with works",
  { ignore },
  async () => {
    const page = await Deno.readTextFile(projectPath("docs/kubernetes.md"));
    const command = /^helm (install .+)$/m.exec(page)![1]!
      .replace("install", "template").replace('"$(openssl rand -hex 32)"', "between-us")
      .replace("testFile=", "testFile=deploy/kubernetes/run/");
    const { code, stdout, stderr } = await runCommand("helm", command.split(" "), {
      cwd: projectPath("."),
    });
    assert.equal(code, 0, stderr);
    const objects = Objects.parse(stdout);
    assert.equal(objects.one<Job>("Job", "shop-worker").spec.parallelism, 8);
    const { host, users, runTime, expectWorkers } = await settingsOf(objects, "shop-master");
    assert.deepEqual([host, users, runTime, expectWorkers], ["http://shop:8000", 5000, 600, 8]);
    objects.one("ConfigMap", "shop-test");
  },
);

Deno.test("values of the chart reach the pods", { ignore }, async () => {
  const objects = await chart(
    [
      ...["token=between-us", "webToken=for-us", "dashboard.service=true"],
      ...["options.users=2000000", "options.arrival-rate=0.5", "options.insecure=true"],
      ...["options.rate=null", "env[0].name=SHOP_DB", "env[0].value=orders"],
      "dataFiles.accounts\\.csv=a\\,b",
    ],
    "--set-file",
    TEST_FILE,
  );
  const { AIOTEST_TOKEN, AIOTEST_WEB_TOKEN, SHOP_DB, AIOTEST_USERS, AIOTEST_ARRIVAL_RATE } =
    environmentOf(
      objects,
      containerOf(objects.pods.get("aiotest-master")!.spec),
    );
  assert.deepEqual(
    { AIOTEST_TOKEN, AIOTEST_WEB_TOKEN, SHOP_DB, AIOTEST_USERS, AIOTEST_ARRIVAL_RATE },
    {
      AIOTEST_TOKEN: "between-us",
      AIOTEST_WEB_TOKEN: "for-us",
      SHOP_DB: "orders",
      AIOTEST_USERS: "2000000",
      AIOTEST_ARRIVAL_RATE: "0.5",
    },
  );
  const { data } = objects.one<TextMap>("ConfigMap", "options");
  assert.equal(data!.AIOTEST_RATE, undefined);
  assert.equal(data!.AIOTEST_INSECURE, "true");
  const { data: files } = objects.one<TextMap>("ConfigMap", "test");
  assert.deepEqual(Object.keys(files!).sort(), ["accounts.csv", "aiotestfile.ts"]);
  // The claim is kept, as are the reports in it.
  const { metadata } = objects.one("PersistentVolumeClaim", "aiotest-reports");
  assert.deepEqual(metadata.annotations, { "helm.sh/resource-policy": "keep" });
  assert.equal(objects.one<Job>("Job", "worker").spec.parallelism, 4);
  const { webHost, expectWorkers } = await settingsOf(await chart(["token=x"]), "aiotest-master");
  assert.deepEqual([webHost, expectWorkers], ["127.0.0.1", 4]);
});

Deno.test("the chart refuses wrong values, and says what is missing", { ignore }, async () => {
  for (
    const [values, message] of [
      [[], /Set token to a long random text/],
      [["token=x", "dashboard.service=true"], /Set webToken to a long random text/],
      [["token=x", "worker=4"], /worker/],
      [["token=x", "workers=0"], /workers/],
      [["token=x", "worker.replicas=4"], /replicas/],
      [["token=x", "options.runTime=3m"], /runTime/],
      [["token=x", "options.expect-workers=3"], /expect-workers/],
    ] as const
  ) {
    const { code, stderr } = await helm(values);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});

Deno.test("the chart passes helm lint, and is of this version", { ignore }, async () => {
  for (const values of [[], ["--set", "token=x,webToken=y,dashboard.service=true"]]) {
    const { code, stdout } = await runCommand("helm", ["lint", "--strict", CHART, ...values]);
    assert.equal(code, 0, stdout);
  }
  const { version, appVersion } = parseYaml(await Deno.readTextFile(`${CHART}/Chart.yaml`));
  assert.deepEqual([version, appVersion], [project.version, project.version]);
});

Deno.test("the schema of the values names every value, and no others", async () => {
  const values = parseYaml(await Deno.readTextFile(`${CHART}/values.yaml`));
  const { $schema: _, ...rest } = schema;
  assert.equal(new Ajv({ strict: false }).compile(rest)(values), true);
  const { global: __, ...properties } = schema.properties;
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(values).sort());
  for (const [name, part] of Object.entries(properties)) {
    if (!("properties" in part)) continue;
    assert.deepEqual(Object.keys(part.properties).sort(), Object.keys(values[name]).sort(), name);
  }
});
