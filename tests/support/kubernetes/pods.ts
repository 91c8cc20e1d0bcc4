/**
 * What the containers of pods run, and with what: their variables, and the files of their volumes.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Container, Labels, Objects, PodSpec, TextMap } from "./objects.ts";

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

/** All Secrets of a namespace. */
function secretsOf(objects: Objects): Readonly<Record<string, Labels>> {
  const own = objects.of<TextMap>("Secret").map(({ metadata, stringData }) =>
    [metadata.name, stringData!] as const
  );
  return { ...SECRETS, ...Object.fromEntries(own) };
}
