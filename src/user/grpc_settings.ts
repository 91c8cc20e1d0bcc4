/**
 * Checks of the static fields of a GrpcUser.
 *
 * @module
 */

import { metadataProblem } from "../grpc/metadata.ts";
import { DNS_ORDERS } from "../http/address_order.ts";
import { areOneFamily, isSourceAddress } from "../http/local_addresses.ts";
import type { FieldCheck } from "./user.ts";

/** Checks the static fields of a class; `statics` are those that others depend on, of any type in fact. */
export function checkGrpcFields(
  check: FieldCheck,
  statics: { readonly reflection: unknown; readonly metadata: unknown },
): void {
  const isPath = (value: unknown): boolean => typeof value === "string" && value !== "";
  const isPaths = (value: unknown): boolean => Array.isArray(value) && value.every(isPath);
  check("reflection", (value) => typeof value === "boolean", "true or false");
  const { reflection } = statics;
  check(
    "proto",
    (value) =>
      reflection
        ? filesOf(value).length === 0
        : filesOf(value).length > 0 && filesOf(value).every(isPath),
    reflection
      ? "no file, because reflection is true"
      : 'the path of a .proto file, or a list of them, like "shop.proto"; or set reflection = true',
  );
  check("protoFolders", isPaths, 'a list of folders, like ["protos"]');
  for (const field of ["timeout", "connectTimeout"]) {
    check(
      field,
      (value) => typeof value === "number" && value > 0,
      "a number of seconds over 0, or Infinity for no limit",
    );
  }
  check("compression", (value) => value === "none" || value === "gzip", '"none" or "gzip"');
  check(
    "maxMessageSize",
    (value) => value === Infinity || (Number.isInteger(value) && (value as number) > 0),
    "a whole number over 0, or Infinity for no limit",
  );
  check("connections", (value) => value === "own" || value === "shared", '"own" or "shared"');
  check("session", (value) => value === "user" || value === "iteration", '"user" or "iteration"');
  check(
    "localAddresses",
    (value) => Array.isArray(value) && value.every(isSourceAddress) && areOneFamily(value),
    'a list of IP addresses, all IPv4 or all IPv6, like ["10.0.0.2"]',
  );
  check(
    "dns",
    (value) => (DNS_ORDERS as readonly unknown[]).includes(value),
    '"first", "rotate" or "random"',
  );
  const problem = metadataProblem(statics.metadata);
  if (problem !== null) check("metadata", () => false, `metadata that can be sent (${problem})`);
}

/** The paths of `.proto` files, of any type in fact. */
export function filesOf(proto: unknown): readonly unknown[] {
  return Array.isArray(proto) ? proto : proto === "" ? [] : [proto];
}
