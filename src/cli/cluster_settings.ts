/**
 * The options of a run on several processes or machines.
 *
 * @module
 */

import type { SettingTable } from "./setting.ts";
import { duration, textOf, toggle, type ValueKind, wholeNumber } from "./value_kind.ts";

/** The values of all these options, defaults filled in. */
export interface ClusterSettings {
  readonly master: boolean;
  readonly worker: boolean;
  /** Workers on this machine; -1: one for each core; null: the process does the work itself. */
  readonly processes: number | null;
  /** Workers that the test's start waits for. */
  readonly expectWorkers: number;
  /** Seconds of that wait; 0: for ever. */
  readonly expectWorkersMaxWait: number;
  readonly masterHost: string;
  readonly masterPort: number;
  /** `*`: all interfaces. */
  readonly masterBindHost: string;
  /** 0: any that is free. */
  readonly masterBindPort: number;
  /** Shared secret of master and workers; null: whoever reaches the port may join. */
  readonly token: string | null;
  /** What the worker is called; null: after its machine. */
  readonly workerName: string | null;
  /** Seconds that a worker looks for a master. */
  readonly reconnectTimeout: number;
  /** Workers may have another test file than the master. */
  readonly allowDifferentTestfile: boolean;
  /** Where the master writes down the run. */
  readonly journal: string | null;
  /** A journal whose run is to go on. */
  readonly resume: string | null;
  /** The master's certificate, and its key, in PEM. */
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** Authorities in PEM that a worker trusts beside the usual ones. */
  readonly tlsCa: string | null;
}

const GROUP = "Many cores, many machines:";
const MASTER = "The master:";
const WORKER = "A worker:";
const TRUST = "Who may join:";

const MAX_NAME_LENGTH = 100;

const processCount: ValueKind<number> = {
  ...wholeNumber(1),
  needed: "a whole number of 1 or more is needed, or -1 for one a core",
  parse: (text) => text === "-1" ? -1 : wholeNumber(1).parse(text),
};

const workerName: ValueKind<string> = {
  needed: `a name of at most ${MAX_NAME_LENGTH} visible characters is needed`,
  types: ["text"],
  parse: (text) =>
    text.trim() !== "" && text.length <= MAX_NAME_LENGTH && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)
      ? text
      : null,
};

const address = textOf("a host name or an address");

/** Every option, by the name of its value, in the order of `--help`. */
export const CLUSTER_SETTINGS: SettingTable<ClusterSettings> = {
  master: {
    flags: "--master",
    group: GROUP,
    description: "lead workers, which run the users",
    kind: toggle,
    default: false,
  },
  worker: {
    flags: "--worker",
    group: GROUP,
    description: "run users for a master; without a test file here, with the master's own",
    kind: toggle,
    default: false,
  },
  processes: {
    flags: "--processes <N>",
    group: GROUP,
    description: "a master and N workers on this machine, -1: one a core; with --worker: N workers",
    kind: processCount,
    default: null,
  },
  expectWorkers: {
    flags: "--expect-workers <N>",
    group: MASTER,
    description: "the master starts once so many have joined",
    kind: wholeNumber(1),
    default: 1,
  },
  expectWorkersMaxWait: {
    flags: "--expect-workers-max-wait <S>",
    group: MASTER,
    description: "seconds that it waits for them, 0: for ever",
    kind: duration({ orNone: true }),
    default: 0,
  },
  masterHost: {
    flags: "--master-host <H>",
    group: WORKER,
    description: "where a worker finds its master",
    kind: address,
    default: "127.0.0.1",
  },
  masterPort: {
    flags: "--master-port <P>",
    group: WORKER,
    description: "the port there",
    kind: wholeNumber(1, 65_535),
    default: 5557,
  },
  masterBindHost: {
    flags: "--master-bind-host <H>",
    group: MASTER,
    description: "where the master listens, *: on all interfaces",
    kind: address,
    default: "*",
  },
  masterBindPort: {
    flags: "--master-bind-port <P>",
    group: MASTER,
    description: "the port there, 0: any that is free",
    kind: wholeNumber(0, 65_535),
    default: 5557,
  },
  token: {
    flags: "--token <T>",
    group: TRUST,
    description: "shared secret of master and workers; better as AIOTEST_TOKEN",
    kind: textOf("a secret that master and workers share"),
    default: null,
  },
  workerName: {
    flags: "--worker-name <NAME>",
    group: WORKER,
    description: "what the worker is called in logs and reports",
    kind: workerName,
    default: null,
    ifNone: "its host's name and random letters",
  },
  reconnectTimeout: {
    flags: "--reconnect-timeout <S>",
    group: WORKER,
    description: "seconds that a worker looks for a master, at the start and when it was lost",
    kind: duration({ orNone: false }),
    default: 60,
  },
  allowDifferentTestfile: {
    flags: "--allow-different-testfile",
    group: MASTER,
    description: "a worker's test file may differ from the master's",
    kind: toggle,
    default: false,
  },
  journal: {
    flags: "--journal <FILE>",
    group: MASTER,
    description: "the master writes the run down there, so that it can be resumed",
    kind: textOf("the name of a file"),
    default: null,
  },
  resume: {
    flags: "--resume <FILE>",
    group: MASTER,
    description: "goes on with the run of this journal",
    kind: textOf("the name of a journal"),
    default: null,
  },
  tlsCert: {
    flags: "--tls-cert <FILE>",
    group: TRUST,
    description: "the master's certificate in PEM: workers connect by TLS",
    kind: textOf("the name of a file"),
    default: null,
  },
  tlsKey: {
    flags: "--tls-key <FILE>",
    group: TRUST,
    description: "the key of the certificate",
    kind: textOf("the name of a file"),
    default: null,
  },
  tlsCa: {
    flags: "--tls-ca <FILE>",
    group: TRUST,
    description: "the authority in PEM by which a worker knows its master",
    kind: textOf("the name of a file"),
    default: null,
  },
};
