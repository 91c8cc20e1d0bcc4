/**
 * Settings of master and workers.
 *
 * @module
 */

import { MAX_WORKER_NAME } from "../core/run_info.ts";
import {
  duration,
  fileName,
  hostAddress,
  processCount,
  textOf,
  toggle,
  visibleName,
  wholeNumber,
} from "./option_types.ts";
import { DISTRIBUTED, JOINING, MASTER, NEEDS_SEVERAL_PROCESSES, WORKER } from "./setting_groups.ts";
import type { DeclarationTable } from "./setting_types.ts";

/** In the order of `--help`. */
export const CLUSTER_SETTINGS = {
  master: {
    flags: "--master",
    group: DISTRIBUTED,
    help: "coordinate workers, which run the users",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  worker: {
    flags: "--worker",
    group: DISTRIBUTED,
    help: "run users for a master; uses the master's test file if it has none",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  /** Workers on this machine; -1: one per core; `null`: the process does the work itself. */
  processes: {
    flags: "--processes <N>",
    group: DISTRIBUTED,
    help:
      "run a master and N workers on this machine, and replace workers that crash; -1: one per core; " +
      "with --worker: N workers",
    type: processCount,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  expectWorkers: {
    flags: "--expect-workers <N>",
    group: MASTER,
    help: "start the test once N workers have joined",
    type: wholeNumber(1),
    default: 1,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Seconds; 0: no limit. */
  expectWorkersMaxWait: {
    flags: "--expect-workers-max-wait <S>",
    group: MASTER,
    help: "seconds to wait for these workers; 0: no limit",
    type: duration({ orNone: true }),
    default: 0,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  masterHost: {
    flags: "--master-host <H>",
    group: WORKER,
    help: "host name or address of the master",
    type: hostAddress,
    default: "127.0.0.1",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  masterPort: {
    flags: "--master-port <P>",
    group: WORKER,
    help: "port of the master",
    type: wholeNumber(1, 65_535),
    default: 5557,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  /** `*`: all interfaces. */
  masterBindHost: {
    flags: "--master-bind-host <H>",
    group: MASTER,
    help: "address that the master listens on; *: all interfaces",
    type: hostAddress,
    default: "*",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** 0: any free port. */
  masterBindPort: {
    flags: "--master-bind-port <P>",
    group: MASTER,
    help: "port that the master listens on; 0: any free port",
    type: wholeNumber(0, 65_535),
    default: 5557,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Secret shared by master and workers; `null`: anything that reaches the port may join. */
  token: {
    flags: "--token <T>",
    group: JOINING,
    help: "secret shared by master and workers; prefer AIOTEST_TOKEN",
    type: textOf("a secret shared by master and workers"),
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
  },
  workerName: {
    flags: "--worker-name <NAME>",
    group: WORKER,
    help: "name of the worker in logs and reports",
    type: visibleName(MAX_WORKER_NAME),
    default: null,
    shownDefault: "host name and random letters",
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
  },
  /** Seconds. */
  reconnectTimeout: {
    flags: "--reconnect-timeout <S>",
    group: WORKER,
    help: "seconds to keep trying to connect, at the start and after losing the master",
    type: duration({ orNone: false }),
    default: 60,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
    toChildren: true,
  },
  allowDifferentTestfile: {
    flags: "--allow-different-testfile",
    group: MASTER,
    help: "accept workers whose test file differs from the master's",
    type: toggle,
    default: false,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master decides",
  },
  journal: {
    flags: "--journal <FILE>",
    group: MASTER,
    help: "record the run in a journal, so that it can be resumed",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  resume: {
    flags: "--resume <FILE>",
    group: MASTER,
    help: "resume the run that this journal records",
    type: textOf("the file name of a journal"),
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  tlsCert: {
    flags: "--tls-cert <FILE>",
    group: JOINING,
    help: "certificate of the master (PEM); workers connect over TLS",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  tlsKey: {
    flags: "--tls-key <FILE>",
    group: JOINING,
    help: "private key of the certificate (PEM)",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "master",
  },
  /** Authorities that a worker trusts in addition to the system's. */
  tlsCa: {
    flags: "--tls-ca <FILE>",
    group: JOINING,
    help: "certificate authority that a worker trusts (PEM)",
    type: fileName,
    default: null,
    commands: NEEDS_SEVERAL_PROCESSES,
    scope: "worker",
    toChildren: true,
  },
} as const satisfies DeclarationTable;
