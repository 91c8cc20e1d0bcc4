/**
 * Settings of what is tested, and of how connections to it are made.
 *
 * @module
 */

import { DNS_ORDERS } from "../http/address_order.ts";
import { DNS_TTL_MS } from "../http/dns_cache.ts";
import { MAX_REDIRECTS } from "../http/redirects.ts";
import {
  addressList,
  choice,
  connectToRules,
  duration,
  endlessDuration,
  headerLines,
  httpMethod,
  nameList,
  pemFile,
  pemFiles,
  requestBody,
  textOf,
  toggle,
  wholeNumber,
} from "./option_types.ts";
import {
  CONNECTIONS,
  HIDDEN_IN_DEMO,
  NEEDS_OWN_TARGET,
  NEEDS_TEST_FILE,
  REQUEST,
  TEST,
} from "./setting_groups.ts";
import type { DeclarationTable } from "./setting_types.ts";

/** In the order of `--help`. */
export const TARGET_SETTINGS = {
  aiotestfile: {
    flags: "-f, --aiotestfile <PATH>",
    group: TEST,
    help: "test file to run",
    type: textOf("the path of a test file"),
    default: "aiotestfile.ts",
    commands: NEEDS_OWN_TARGET,
  },
  /** Overrides the host of every user class. */
  host: {
    flags: "-H, --host <URL>",
    group: TEST,
    help: "target host; overrides the host of every user class",
    type: textOf("a host like http://127.0.0.1:8000"),
    default: null,
    commands: {
      ...NEEDS_OWN_TARGET,
      quick: "which takes the whole URL; to set a header, use --header",
    },
    toWorkers: true,
    toChildren: true,
  },
  /** Empty: all classes. */
  userClasses: {
    flags: "--user-classes <A,B>",
    group: TEST,
    help: "run only these user classes",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  tags: {
    flags: "-T, --tags <A,B>",
    group: TEST,
    help: "run only tests with at least one of these tags",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  excludeTags: {
    flags: "-E, --exclude-tags <A,B>",
    group: TEST,
    help: "skip tests with any of these tags",
    type: nameList,
    default: [],
    commands: NEEDS_TEST_FILE,
    toWorkers: true,
    toChildren: true,
  },
  /** `null`: GET, or POST if there is data. */
  method: {
    flags: "-m, --method <NAME>",
    group: REQUEST,
    help: "HTTP method",
    type: httpMethod,
    default: null,
    shownDefault: "GET, or POST with --data",
    commands: { quick: true },
  },
  /** The request body, or `@` and the name of the file that holds it. */
  data: {
    flags: "-d, --data <TEXT>",
    group: REQUEST,
    help: "request body; @FILE sends the contents of a file",
    type: requestBody,
    default: null,
    shownDefault: "no body",
    commands: { quick: true },
  },
  header: {
    flags: "--header <LINE>",
    group: REQUEST,
    help: 'request header, like "Accept: text/html"; repeatable',
    type: headerLines,
    default: [],
    commands: { quick: true },
  },
  /** Seconds for one request, redirects included. */
  timeout: {
    flags: "--timeout <S>",
    group: REQUEST,
    help: "seconds allowed for one request, redirects included",
    type: duration({ orNone: false }),
    default: 60,
    commands: { quick: true },
  },
  once: {
    flags: "--once",
    group: TEST,
    help: "one user of each class runs each of its tests once, and everything is printed",
    type: toggle,
    default: false,
    commands: {
      run: true,
      quick: { group: REQUEST, help: "send one request, and print it with its response" },
      demo: "which is a load test",
    },
    scope: "not worker",
  },
  printSecrets: {
    flags: "--print-secrets",
    group: TEST,
    help: "print and report credentials, cookies and tokens of requests as they are",
    type: toggle,
    default: false,
    commands: { run: true, quick: { group: REQUEST }, demo: { hidden: true } },
    toWorkers: true,
    toChildren: true,
  },
  redis: {
    flags: "--redis <URL>",
    group: TEST,
    help: "Redis that holds counters and queues; prefer AIOTEST_REDIS",
    type: textOf("a URL like redis://:password@127.0.0.1:6379/0"),
    default: null,
    shownDefault: "the master holds them",
    commands: NEEDS_OWN_TARGET,
    scope: "not worker",
  },
  http2: {
    flags: "--http2",
    group: REQUEST,
    help: "use HTTP/2; without TLS, the server must expect it (prior knowledge)",
    type: toggle,
    default: false,
    commands: { quick: true },
  },
  insecure: {
    flags: "--insecure",
    group: CONNECTIONS,
    help: "accept any TLS certificate from the target",
    type: toggle,
    default: false,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** A file in PEM, or its contents. */
  clientCert: {
    flags: "--client-cert <FILE>",
    group: CONNECTIONS,
    help: "client certificate for the target, in PEM",
    type: pemFile,
    default: null,
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** A file in PEM, or its contents. */
  clientKey: {
    flags: "--client-key <FILE>",
    group: CONNECTIONS,
    help: "private key of --client-cert, in PEM",
    type: pemFile,
    default: null,
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** Files in PEM, or the contents of one. */
  ca: {
    flags: "--ca <FILE>",
    group: CONNECTIONS,
    help: "certificate authorities to trust for the target as well, in PEM; repeatable",
    type: pemFiles,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toWorkers: "contents",
    toChildren: true,
  },
  /** IP addresses. Empty: those of the user class. */
  localAddress: {
    flags: "--local-address <A,B>",
    group: CONNECTIONS,
    help: "IP addresses of this machine that connections leave from, in turn",
    type: addressList,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toChildren: true,
  },
  /** Rules in the order in which they apply. */
  connectTo: {
    flags: "--connect-to <RULE>",
    group: CONNECTIONS,
    help: "HOST:PORT:ADDRESS:PORT: connect to ADDRESS:PORT for URLs of HOST:PORT; repeatable",
    type: connectToRules,
    default: [],
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** Where connections to a name with several addresses begin; `null`: as the user class says. */
  dns: {
    flags: "--dns <ORDER>",
    group: CONNECTIONS,
    help: "address of a name to connect to: first, rotate (each in turn) or random",
    type: choice(DNS_ORDERS),
    default: null,
    shownDefault: "dns of the user class",
    commands: { ...HIDDEN_IN_DEMO, quick: { shownDefault: "rotate" } },
    toWorkers: true,
    toChildren: true,
  },
  /** In seconds; `Infinity` for always. */
  dnsTtl: {
    flags: "--dns-ttl <TIME>",
    group: CONNECTIONS,
    help: "how long the addresses of a name are kept; 0: a look-up for each connection, or inf",
    type: endlessDuration,
    default: DNS_TTL_MS / 1000,
    commands: HIDDEN_IN_DEMO,
    toWorkers: true,
    toChildren: true,
  },
  /** `null`: as many as the user class says. */
  maxRedirects: {
    flags: "--max-redirects <N>",
    group: CONNECTIONS,
    help: "redirects that a request follows; 0: none, the redirect is the response",
    type: wholeNumber(0),
    default: null,
    shownDefault: "maxRedirects of the user class",
    commands: { ...HIDDEN_IN_DEMO, quick: { shownDefault: String(MAX_REDIRECTS) } },
    toWorkers: true,
    toChildren: true,
  },
} as const satisfies DeclarationTable;
