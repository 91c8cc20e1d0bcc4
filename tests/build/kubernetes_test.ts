import assert from "node:assert/strict";
import { runCommand } from "../../build/project.ts";
import { DEFAULTS } from "../support/command_line.ts";
import {
  type Edit,
  type Job,
  type KubeObject,
  kustomized,
  type NetworkPolicy,
  Objects,
  replacing,
  schemaProblems,
  selects,
  type Service,
  type TextMap,
} from "../support/kubernetes/objects.ts";
import { containerOf, SECRETS, settingsOf } from "../support/kubernetes/pods.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { parse as parseYaml, stringify as stringifyYaml } from "yaml";
import project from "../../deno.json" with { type: "json" };

const ignore = isMissing("kubectl");

const KUSTOMIZATION = "run/kustomization.yaml";

/** What a user uncomments to reach the dashboard by the Service. */
const WITH_DASHBOARD: Edit = [
  KUSTOMIZATION,
  replacing("# components:\n#   - ../dashboard", "components:\n  - ../dashboard"),
];

/** A second run in the same namespace. */
const SECOND_RUN: Edit = [
  KUSTOMIZATION,
  (text) =>
    text.replace("# namePrefix: checkout-", "namePrefix: checkout-")
      .replace("instance: aiotest", "instance: checkout"),
];

/** The ways of starting a run. Each is rendered once. */
const RUNS: Readonly<Record<"plain" | "ownImage" | "open" | "second", Objects>> = ignore
  ? {} as never
  : {
    plain: await kustomized("run"),
    ownImage: await kustomized("own-image"),
    open: await kustomized("run", [WITH_DASHBOARD]),
    second: await kustomized("run", [SECOND_RUN]),
  };
const EVERY_RUN = Object.values(RUNS);

/** The volume of the reports, and the pod that reads them. */
const REPORTS = Objects.parse(
  ["volume", "reader"].map((name) =>
    Deno.readTextFileSync(projectPath(`deploy/kubernetes/reports/${name}.yaml`))
  ).join("---\n"),
);

Deno.test("every object matches the schemas of Kubernetes", { ignore }, () => {
  const all = [...EVERY_RUN, REPORTS].flatMap((objects) => objects.all);
  for (const object of all) {
    assert.deepEqual(schemaProblems(object), [], `${object.kind} ${object.metadata.name}`);
  }
});

Deno.test("the schemas reject what Kubernetes would reject", { ignore }, () => {
  const job = RUNS.plain.one<Job>("Job", "master");
  const withPod = (pod: object): KubeObject => {
    const template = { ...job.spec.template, spec: { ...job.spec.template.spec, ...pod } };
    return { ...job, spec: { ...job.spec, template } } as KubeObject;
  };
  const spec = "/spec/template/spec";
  assert.deepEqual(schemaProblems(withPod({ restartsPolicy: "Never" })), [
    `${spec}/restartsPolicy is unknown`,
  ]);
  const { containers: [container] } = job.spec.template.spec;
  const probe = { ...container, readinessProbe: { exec: { commands: ["true"] } } };
  assert.deepEqual(schemaProblems(withPod({ containers: [probe] })), [
    `${spec}/containers/0/readinessProbe/exec/commands is unknown`,
  ]);
  for (
    const pod of [
      { restartPolicy: "Sometimes" },
      { terminationGracePeriodSeconds: "60" },
      { containers: undefined },
      { volumes: [{ emptyDir: {} }] },
      { containers: [{ ...container, env: [{ name: "AIOTEST_USERS", value: 5 }] }] },
    ]
  ) {
    assert.notDeepEqual(schemaProblems(withPod(pod)), [], JSON.stringify(pod));
  }
  assert.deepEqual(schemaProblems({ ...job, kind: "Jobs" }), [
    "there is no schema of batch/v1 Jobs",
  ]);
});

Deno.test(
  "the arguments and variables of every pod are valid options of aiotest",
  { ignore },
  async () => {
    const master = {
      ...DEFAULTS,
      host: "http://shop:8000",
      users: 1000,
      rate: 100,
      runTime: 180,
      master: true,
      expectWorkers: 4,
      expectWorkersMaxWait: 600,
      token: "between-us",
      json: "/reports/summary.json",
      html: "/reports/report.html",
    };
    const worker = {
      ...DEFAULTS,
      worker: true,
      masterHost: "aiotest-master",
      reconnectTimeout: 600,
      token: "between-us",
    };
    for (const folder of ["run", "own-image"]) {
      const objects = await kustomized(folder);
      assert.deepEqual(await settingsOf(objects, "aiotest-master"), master);
      assert.deepEqual(await settingsOf(objects, "aiotest-worker"), worker);
    }
    const open = await kustomized("run", [WITH_DASHBOARD]);
    assert.deepEqual(await settingsOf(open, "aiotest-master"), {
      ...master,
      webHost: "*",
      webToken: "for-the-dashboard",
    });
    const second = await kustomized("run", [SECOND_RUN]);
    assert.deepEqual(await settingsOf(second, "checkout-aiotest-worker"), {
      ...worker,
      masterHost: "checkout-aiotest-master",
    });
  },
);

Deno.test("one number says how many workers are started, and how many the master waits for", {
  ignore,
}, async () => {
  for (const folder of ["run", "own-image"]) {
    const objects = await kustomized(folder, [
      [`${folder}/options.env`, replacing("WORKERS=4", "WORKERS=12")],
    ]);
    assert.equal(objects.one<Job>("Job", "worker").spec.parallelism, 12);
    assert.equal((await settingsOf(objects, "aiotest-master")).expectWorkers, 12);
  }
});

Deno.test("a run is never repeated, and workers are replaced until the first has ended well", {
  ignore,
}, () => {
  for (const objects of EVERY_RUN) {
    const { spec: master } = objects.one<Job>("Job", "master");
    assert.deepEqual([master.backoffLimit, master.parallelism, master.completions], [
      0,
      undefined,
      undefined,
    ]);
    const { spec: worker } = objects.one<Job>("Job", "worker");
    assert.equal(worker.completions, undefined);
    assert.ok(worker.backoffLimit > 0);
    for (const { spec } of objects.pods.values()) {
      assert.equal(spec.restartPolicy, "Never");
      // It would restart a worker that waits for its master, or a master that writes its report.
      assert.equal(containerOf(spec).livenessProbe, undefined);
      assert.deepEqual(containerOf(spec).readinessProbe!.exec.command, ["aiotest-alive"]);
    }
  }
});

Deno.test("pods have time to stop, and a worker outlives a master that is deleted with it", {
  ignore,
}, async () => {
  for (const objects of EVERY_RUN) {
    const { stopTimeout } = await settingsOf(objects, "aiotest-master");
    for (const [name, { spec }] of objects.pods) {
      const { lifecycle } = containerOf(spec);
      const [sleep, seconds] = lifecycle?.preStop.exec.command ?? ["sleep", "0"];
      assert.equal(sleep, "sleep");
      assert.equal(Number(seconds) > stopTimeout, name.endsWith("worker"));
      assert.ok(spec.terminationGracePeriodSeconds >= Number(seconds) + stopTimeout + 20);
    }
  }
});

Deno.test("services and network policies select the pods of their run, and no others", {
  ignore,
}, () => {
  const { open, second } = RUNS;
  for (const [objects, others] of [[open, second], [second, open]] as const) {
    const selected = (selector: Readonly<Record<string, string>>): string[] => {
      const strangers = [...others.pods.values()].filter(({ labels }) => selects(selector, labels));
      assert.deepEqual(strangers, []);
      return [...objects.pods].filter(([, { labels }]) => selects(selector, labels))
        .map(([name]) => name.replace(/.*-/, ""));
    };
    for (const { spec } of objects.of<Service>("Service")) {
      assert.deepEqual(selected(spec.selector), ["master"]);
      // Workers connect to the pod itself, also before it is ready.
      assert.equal(spec.clusterIP, "None");
      assert.equal(spec.publishNotReadyAddresses, true);
    }
    for (const { metadata, spec } of objects.of<NetworkPolicy>("NetworkPolicy")) {
      const kind = metadata.name.replace(/.*-/, "");
      const pods = { egress: ["master", "worker"], worker: ["worker"] }[kind] ?? ["master"];
      assert.deepEqual(selected(spec.podSelector.matchLabels), pods, metadata.name);
      const peers = (spec.ingress ?? []).flatMap(({ from }) => from ?? [])
        .flatMap(({ podSelector }) =>
          podSelector?.matchLabels === undefined ? [] : [podSelector.matchLabels]
        );
      for (const peer of peers) assert.deepEqual(selected(peer), ["worker"]);
    }
  }
});

Deno.test(
  "services and network policies name ports that aiotest listens on",
  { ignore },
  async () => {
    for (const objects of EVERY_RUN) {
      const { masterBindPort, webPort } = await settingsOf(objects, "aiotest-master");
      const { ports } = containerOf(objects.one<Job>("Job", "master").spec.template.spec);
      const numbers: Record<string, number> = Object.fromEntries(
        ports!.map(({ name, containerPort }) => [name, containerPort]),
      );
      assert.equal(numbers.workers, masterBindPort);
      assert.equal(numbers.dashboard, webPort);
      for (const { port, targetPort } of objects.one<Service>("Service", "master").spec.ports) {
        assert.equal(numbers[targetPort], port);
      }
      const allowed = objects.of<NetworkPolicy>("NetworkPolicy")
        .flatMap(({ spec }) => spec.ingress ?? []).flatMap(({ ports }) => ports!);
      for (const { port } of allowed) assert.ok(port in numbers, String(port));
    }
  },
);

Deno.test("volumes, ConfigMaps and keys of Secrets that pods name exist", { ignore }, () => {
  const { all: [claim] } = REPORTS;
  for (const objects of [...EVERY_RUN, REPORTS]) {
    for (const spec of objects.podSpecs) {
      const { volumeMounts, env, envFrom } = containerOf(spec);
      assert.deepEqual(
        volumeMounts!.map(({ name }) => name).sort(),
        spec.volumes.map(({ name }) => name).sort(),
      );
      for (const { configMap, persistentVolumeClaim } of spec.volumes) {
        if (configMap !== undefined) objects.one("ConfigMap", configMap.name);
        if (persistentVolumeClaim === undefined) continue;
        assert.equal(persistentVolumeClaim.claimName, claim!.metadata.name);
      }
      for (const { configMapRef } of envFrom ?? []) objects.one("ConfigMap", configMapRef.name);
      for (const { valueFrom } of env ?? []) {
        if (valueFrom === undefined) continue;
        const { name, key } = valueFrom.secretKeyRef;
        assert.ok(SECRETS[name]?.[key] !== undefined, `${name} ${key}`);
      }
    }
  }
});

Deno.test("there is no default token", { ignore }, () => {
  for (const objects of EVERY_RUN) {
    assert.deepEqual(objects.of("Secret"), []);
    for (const { spec } of objects.pods.values()) {
      const tokens = containerOf(spec).env!.filter(({ name }) => name.endsWith("TOKEN"));
      assert.ok(tokens.length > 0);
      assert.deepEqual(tokens.filter(({ value }) => value !== undefined), []);
    }
  }
});

/** Those that pods may set without a change of their node, of Kubernetes 1.22 and later. */
const SAFE_SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_syncookies",
];

Deno.test("pods meet the restricted Pod Security Standard, and are not throttled", {
  ignore,
}, () => {
  for (const objects of [...EVERY_RUN, REPORTS]) {
    for (const spec of objects.podSpecs) {
      assert.equal(spec.hostNetwork, undefined);
      assert.equal(spec.securityContext.runAsNonRoot, true);
      assert.equal(spec.securityContext.seccompProfile.type, "RuntimeDefault");
      for (const { name } of spec.securityContext.sysctls ?? []) {
        assert.ok(SAFE_SYSCTLS.includes(name), name);
      }
      for (const { name, ...source } of spec.volumes) {
        const [kind] = Object.keys(source);
        assert.ok(["configMap", "emptyDir", "persistentVolumeClaim"].includes(kind!), name);
      }
      const { securityContext, resources } = containerOf(spec);
      assert.deepEqual(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert.deepEqual(Object.keys(resources!.limits), ["memory"]);
      assert.deepEqual(Object.keys(resources!.requests).sort(), ["cpu", "memory"]);
      assert.equal(spec.automountServiceAccountToken, false);
      // A Service named aiotest-master would set AIOTEST_MASTER_PORT to "tcp://…".
      assert.equal(spec.enableServiceLinks, false);
    }
  }
});

Deno.test("pods run as the image's user, in the image of this version", { ignore }, async () => {
  const dockerfile = await Deno.readTextFile(projectPath("Dockerfile"));
  const user = Number(/^USER (\d+):/m.exec(dockerfile)![1]);
  const image = `aiotest:${project.version}`;
  for (const objects of [RUNS.plain, RUNS.second, REPORTS]) {
    for (const spec of objects.podSpecs) {
      assert.equal(spec.securityContext.runAsUser, user);
      assert.equal(containerOf(spec).image, image);
    }
  }
});

Deno.test("workers are spread over the nodes", { ignore }, () => {
  for (const objects of EVERY_RUN) {
    const { labels, spec } = objects.pods.get(objects.one("Job", "worker").metadata.name)!;
    const { labelSelector } = spec.topologySpreadConstraints![0]!;
    assert.ok(selects(labelSelector.matchLabels, labels));
  }
});

/** What the page on Kubernetes says. */
const PAGE = Deno.readTextFileSync(projectPath("docs/kubernetes.md"));

Deno.test("the page names files, Jobs and keys of the secret that exist", { ignore }, () => {
  const paths = [...PAGE.matchAll(/\bdeploy\/(?:kubernetes|helm)[\w./-]*\w/g)].map(([path]) =>
    path
  );
  assert.ok(paths.length > 10);
  for (const path of paths) Deno.statSync(projectPath(path));
  const jobs = [...PAGE.matchAll(/\bjob[ /](aiotest-\w+)/g)].map(([, name]) => name!);
  assert.ok(jobs.length > 5);
  for (const job of jobs) RUNS.plain.one("Job", job);
  const [, name, keys] = /create secret generic (\S+) (.+)/.exec(PAGE)!;
  const literals = [...keys!.matchAll(/--from-literal=([\w-]+)=/g)].map(([, key]) => key!);
  assert.deepEqual(literals, Object.keys(SECRETS[name!]!));
});

Deno.test("the commands of the page that need no server work", { ignore }, async () => {
  const typed = async (pattern: RegExp, ...flags: string[]): Promise<Objects> => {
    const words = pattern.exec(PAGE)![1]!.replaceAll('"$(openssl rand -hex 32)"', "between-us")
      .replaceAll("'", "").replace(" job aiotest-worker", "").split(" ");
    const { code, stdout, stderr } = await runCommand("kubectl", [
      ...words,
      ...flags,
      "-o",
      "yaml",
    ]);
    assert.equal(code, 0, stderr);
    return Objects.parse(stdout);
  };
  const secret = await typed(/^kubectl (create secret .+)$/m, "--dry-run=client");
  for (const object of secret.all) assert.deepEqual(schemaProblems(object), []);
  const worker = projectPath("deploy/kubernetes/base/worker.yaml");
  const patched = await typed(/^kubectl (patch job aiotest-worker .+)$/m, "--local", "-f", worker);
  assert.equal(patched.one<Job>("Job", "worker").spec.parallelism, 8);
});

Deno.test("the changes to kustomization.yaml on the page work", { ignore }, async () => {
  const fragments = [...PAGE.matchAll(/```yaml\n# \S+\/kustomization\.yaml\n([^]*?)```/g)]
    .map(([, text]) => parseYaml(text!));
  const [files, nodes, second] = fragments;
  assert.equal(fragments.length, 3);
  const entries = files.configMapGenerator[0].files as string[];
  const changed = await kustomized("run", [
    ...entries.slice(1).map((file): Edit => [`run/${file}`, () => `// ${file}`]),
    [
      KUSTOMIZATION,
      (text) => {
        const { configMapGenerator: [options], ...rest } = parseYaml(text);
        const configMapGenerator = [options, ...files.configMapGenerator];
        return stringifyYaml({ ...rest, ...nodes, ...second, configMapGenerator });
      },
    ],
  ]);
  assert.deepEqual(
    Object.keys(changed.one<TextMap>("ConfigMap", "test").data!),
    [...entries].sort(),
  );
  assert.deepEqual(
    (changed.pods.get("checkout-aiotest-master")!.spec as { nodeSelector?: object }).nodeSelector,
    { pool: "on-demand" },
  );
  for (const { labels } of changed.pods.values()) {
    assert.equal(labels["app.kubernetes.io/instance"], "checkout");
  }
  for (const object of changed.all) assert.deepEqual(schemaProblems(object), []);
});
