/**
 * What the containers of pods run, and with what: their variables, and the files of their volumes.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Settings } from "../../../src/cli/settings.ts";
import { parse } from "../command_line.ts";
import { projectPath } from "../paths.ts";
import { startAiotest, type Started } from "../process.ts";
import type { Container, Job, Labels, Objects, PodSpec, TextMap, Volume } from "./objects.ts";

/** The Secret that docs/kubernetes.md creates; no file has it. */
export const SECRETS: Readonly<Record<string, Labels>> = {
  "aiotest-token": { "token": "between-us", "web-token": "for-the-dashboard" },
};

/** The only container of a pod. */
export function containerOf({ containers }: PodSpec): Container {
  assert.equal(containers.length, 1);
  return containers[0]!;
}

/** The variables of a container, as Kubernetes sets them. */
export function environmentOf(objects: Objects, { env, envFrom }: Container): Labels {
  const all: Record<string, string> = {};
  for (const { configMapRef } of envFrom ?? []) {
    Object.assign(all, objects.one<TextMap>("ConfigMap", configMapRef.name).data);
  }
  for (const { name, value, valueFrom } of env ?? []) {
    const secret = valueFrom?.secretKeyRef;
    all[name] = secret === undefined ? value! : secretsOf(objects)[secret.name]![secret.key]!;
  }
  return all;
}

/** What aiotest makes of the arguments and variables of a Job's container. */
export async function settingsOf(objects: Objects, job: string): Promise<Settings> {
  const container = containerOf(objects.one<Job>("Job", job).spec.template.spec);
  const env = environmentOf(objects, container);
  const unknown = Object.keys(env).filter((name) => !name.startsWith("AIOTEST_"));
  assert.deepEqual(unknown, []);
  const options = await parse({ args: [...container.args ?? []], env: { ...env } });
  const { given, extra: _, readFrom: __, ...settings } = options;
  // Each variable is an option: none is misspelled.
  const flags = (container.args ?? []).filter((arg) => arg.startsWith("--"));
  assert.equal(given.size, Object.keys(env).length + flags.length);
  return settings;
}

/** All Secrets of a namespace. */
function secretsOf(objects: Objects): Readonly<Record<string, Labels>> {
  const own = objects.of<TextMap>("Secret").map(({ metadata, stringData }) =>
    [metadata.name, stringData!] as const
  );
  return { ...SECRETS, ...Object.fromEntries(own) };
}

/** A pod's place on this machine. */
export interface PodPlace {
  /** The folder of its volumes. Claims of the same name are shared by the pods of a folder. */
  readonly folder: string;
  /** Services, all of which are on this machine, by name. */
  readonly services: readonly string[];
  /** The ports that stand for those of the objects. */
  readonly ports: { readonly workers: number; readonly dashboard: number };
}

/**
 * Starts the container of a Job's pod as a process, with what its image, its arguments, its variables and its
 * volumes say.
 */
export async function startPod(objects: Objects, job: string, place: PodPlace): Promise<Started> {
  const { spec } = objects.pods.get(job)!;
  const container = containerOf(spec);
  assert.equal(container.command, undefined);
  const own = await Deno.makeTempDir({ dir: place.folder, prefix: `${job}-` });
  const folders = new Map<string, string>();
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = spec.volumes.find((one) => one.name === name)!;
    folders.set(mountPath, await volumeFolder(objects, volume, own, place.folder));
  }
  const here = (text: string): string => {
    const mount = [...folders].find(([path]) => text === path || text.startsWith(`${path}/`));
    return mount === undefined ? text : `${mount[1]}${text.slice(mount[0].length)}`;
  };
  // Without a volume, the image's own folder.
  const work = folders.get("/test") ?? await Deno.makeTempDir({ dir: own });
  const env = Object.entries({ ...IMAGE_ENV, ...environmentOf(objects, container) })
    .map(([name, value]) => [name, place.services.includes(value) ? "127.0.0.1" : here(value)]);
  return startAiotest(container.args!.map(here), {
    cwd: work,
    env: {
      // As in a pod: they are what aiotest does without any options.
      AIOTEST_NO_WEB: "",
      AIOTEST_NO_HISTORY: "",
      TMPDIR: folders.get("/tmp")!,
      ...addresses(container, place),
      ...Object.fromEntries(env),
    },
  });
}

/** Where a pod listens, and where it finds its master, instead of the ports of the objects. */
function addresses({ args }: Container, { ports }: PodPlace): Labels {
  if (args!.includes("--worker")) return { AIOTEST_MASTER_PORT: String(ports.workers) };
  return {
    AIOTEST_MASTER_BIND_HOST: "127.0.0.1",
    AIOTEST_MASTER_BIND_PORT: String(ports.workers),
    AIOTEST_WEB_PORT: String(ports.dashboard),
  };
}

/** The variables that the image sets. */
const IMAGE_ENV: Labels = Object.fromEntries(
  [...Deno.readTextFileSync(projectPath("Dockerfile")).matchAll(/^ENV (\w+)=(\S+)$/gm)]
    .map(([, name, value]) => [name!, value!]),
);

async function volumeFolder(
  objects: Objects,
  { name, configMap, persistentVolumeClaim }: Volume,
  pod: string,
  shared: string,
): Promise<string> {
  if (persistentVolumeClaim !== undefined) {
    const folder = `${shared}/${persistentVolumeClaim.claimName}`;
    await Deno.mkdir(folder, { recursive: true });
    return folder;
  }
  const folder = `${pod}/${name}`;
  await Deno.mkdir(folder);
  if (configMap !== undefined) {
    await writeConfigMap(folder, objects.one<TextMap>("ConfigMap", configMap.name).data!);
  }
  return folder;
}

/** The files of a ConfigMap, as links through a link, as the kubelet makes them. */
async function writeConfigMap(folder: string, files: Labels): Promise<void> {
  const version = "..2026_12_01_10_00_00.123456789";
  await Deno.mkdir(`${folder}/${version}`);
  await Deno.symlink(version, `${folder}/..data`);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${version}/${name}`, text);
    await Deno.symlink(`..data/${name}`, `${folder}/${name}`);
  }
}
