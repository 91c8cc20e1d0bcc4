/**
 * Objects of Kubernetes, as `deploy/kubernetes` and the chart describe them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { validate as configMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as job } from "kubernetes-models/_schemas/IoK8sApiBatchV1Job";
import { validate as ingress } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress";
import { validate as networkPolicy } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy";
import { validate as pod } from "kubernetes-models/_schemas/IoK8sApiCoreV1Pod";
import { validate as secret } from "kubernetes-models/_schemas/IoK8sApiCoreV1Secret";
import { validate as service } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { validate as volumeClaim } from "kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim";
import { parseAllDocuments } from "yaml";
import { runCommand } from "../../../build/project.ts";
import { projectPath } from "../paths.ts";

/** A set of labels. */
export type Labels = Readonly<Record<string, string>>;

/** Any object of Kubernetes. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
}

/** What a variable of a container is set to. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

/** A container, as far as tests look at it. */
export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
  readonly resources?: {
    readonly requests: Labels;
    readonly limits: Labels;
  };
  readonly readinessProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly livenessProbe?: unknown;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } };
}

/** What a pod is made from. */
export interface PodSpec {
  readonly restartPolicy: string;
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly hostNetwork?: boolean;
  readonly securityContext: {
    readonly runAsNonRoot: boolean;
    readonly runAsUser: number;
    readonly seccompProfile: { readonly type: string };
    readonly sysctls?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly topologySpreadConstraints?: readonly {
    readonly labelSelector: { readonly matchLabels: Labels };
  }[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

/** A volume of a pod. */
export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly emptyDir?: object;
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** A Job. */
export interface Job extends KubeObject {
  readonly spec: {
    readonly parallelism?: number;
    readonly completions?: number;
    readonly backoffLimit: number;
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: PodSpec;
    };
  };
}

/** A Service. */
export interface Service extends KubeObject {
  readonly spec: {
    readonly clusterIP: string;
    readonly selector: Labels;
    readonly publishNotReadyAddresses: boolean;
    readonly ports: readonly {
      readonly name: string;
      readonly port: number;
      readonly targetPort: string;
    }[];
  };
}

/** One end of the traffic that a NetworkPolicy allows. */
interface Peer {
  readonly podSelector?: { readonly matchLabels?: Labels };
}

/** A NetworkPolicy. */
export interface NetworkPolicy extends KubeObject {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Labels };
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly Peer[];
      readonly ports?: readonly { readonly port: string | number }[];
    }[];
  };
}

/** A ConfigMap, or a Secret that is written as text. */
export interface TextMap extends KubeObject {
  readonly data?: Labels;
  readonly stringData?: Labels;
}

/** The objects of a run. */
export class Objects {
  readonly all: readonly KubeObject[];

  constructor(all: readonly KubeObject[]) {
    this.all = all;
  }

  /** Reads the documents of a YAML stream. */
  static parse(text: string): Objects {
    const documents = parseAllDocuments(text).map((document) => {
      assert.deepEqual(document.errors, [], text);
      return document.toJS();
    });
    return new Objects(documents.filter((document) => document !== null));
  }

  /** All objects of a kind. */
  of<T extends KubeObject>(kind: string): T[] {
    return this.all.filter((object) => object.kind === kind) as T[];
  }

  /** The object of a kind whose name ends like this. */
  one<T extends KubeObject>(kind: string, name: string): T {
    const found = this.of<T>(kind).filter(({ metadata }) => metadata.name.endsWith(name));
    assert.equal(found.length, 1, `${kind} ${name}: ${found.map((one) => one.metadata.name)}`);
    return found[0]!;
  }

  /** The pods that the Jobs start, by the name of their Job. */
  get pods(): Map<string, { readonly labels: Labels; readonly spec: PodSpec }> {
    return new Map(
      this.of<Job>("Job").map(({ metadata, spec: { template } }) => [
        metadata.name,
        { labels: template.metadata.labels, spec: template.spec },
      ]),
    );
  }

  /** What all pods are made from, also those without a Job. */
  get podSpecs(): PodSpec[] {
    const single = this.of<KubeObject & { readonly spec: PodSpec }>("Pod");
    return [...[...this.pods.values()].map(({ spec }) => spec), ...single.map(({ spec }) => spec)];
  }
}

/** Whether a selector with labels selects these. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** A change to the files that are rendered: the path of a file, and what becomes of its text. */
export type Edit = readonly [path: string, change: (text: string) => string];

/**
 * Renders a folder of `deploy/kubernetes` as `kubectl apply -k` does.
 *
 * @param edits changes that a user would make; the project's own files stay as they are.
 */
export async function kustomized(folder: string, edits: readonly Edit[] = []): Promise<Objects> {
  const root = await Deno.makeTempDir({ prefix: "aiotest-kustomize-" });
  try {
    const source = projectPath("deploy/kubernetes");
    const copied = await runCommand("cp", ["-r", source, `${root}/kubernetes`]);
    assert.equal(copied.code, 0, copied.stderr);
    for (const [name, change] of edits) {
      const path = `${root}/kubernetes/${name}`;
      const before = await Deno.readTextFile(path).catch(() => "");
      const after = change(before);
      assert.notEqual(after, before, `the edit of ${name} changes nothing`);
      await Deno.writeTextFile(path, after);
    }
    const { code, stdout, stderr } = await runCommand("kubectl", [
      "kustomize",
      `${root}/kubernetes/${folder}`,
    ]);
    assert.equal(code, 0, stderr);
    return Objects.parse(stdout);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Replaces a text that must be there. */
export function replacing(before: string, after: string): (text: string) => string {
  return (text) => text.replace(before, () => after);
}

interface Validator {
  (data: unknown): boolean;
  errors?: readonly { instancePath: string; keyword: string; params: object }[] | null;
}

const VALIDATORS: Readonly<Record<string, unknown>> = {
  "batch/v1 Job": job,
  "networking.k8s.io/v1 Ingress": ingress,
  "networking.k8s.io/v1 NetworkPolicy": networkPolicy,
  "v1 ConfigMap": configMap,
  "v1 PersistentVolumeClaim": volumeClaim,
  "v1 Pod": pod,
  "v1 Secret": secret,
  "v1 Service": service,
};

/** What Kubernetes would refuse in an object: violations of its schema, and fields that it does not know. */
export function schemaProblems(object: KubeObject): string[] {
  const name = `${object.apiVersion} ${object.kind}`;
  const validate = VALIDATORS[name] as Validator | undefined;
  if (validate === undefined) return [`there is no schema of ${name}`];
  const read = new Set<string>();
  const isValid = validate(watched(object, "", read));
  const problems = isValid ? [] : (validate.errors ?? [])
    .map(({ instancePath, keyword, params }) =>
      `${instancePath} ${keyword} ${JSON.stringify(params)}`
    );
  return [...problems, ...unread(object, "", read).map((path) => `${path} is unknown`)];
}

/** A value that notes which of its parts are read. A validator reads every field that its schema has. */
function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key): unknown {
      const part = Reflect.get(target, key);
      if (typeof key === "symbol" || !Object.hasOwn(target, key)) return part;
      read.add(`${path}/${key}`);
      return watched(part, `${path}/${key}`, read);
    },
  });
}

function unread(value: unknown, path: string, read: ReadonlySet<string>): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const here = `${path}/${key}`;
    return read.has(here) ? unread(part, here, read) : [here];
  });
}
