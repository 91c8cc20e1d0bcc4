/**
 * The target: an nginx on the loopback interface, which reports how many requests it has served.
 *
 * @module
 */

import type { Exchange } from "./scenario.ts";

/** A running nginx. */
export interface Nginx {
  readonly pid: number;
  /** Requests served so far, without those for this figure. */
  served(): Promise<number>;
  /** Connections that are open now, without that of this request. */
  connections(): Promise<number>;
  /** Answers 200 with JSON: 150 bytes to a GET, 4 KB to a POST. */
  url(exchange: Exchange, isTls: boolean): string;
  /** The same for a GET over TLS, by HTTP/2 if the client offers it. */
  readonly http2Url: string;
  /** When it read each request for the path `/met`, in milliseconds since 1970. */
  notes(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

const BODY = JSON.stringify({ found: true, items: Array.from({ length: 16 }, (_, n) => n * 997) })
  .padEnd(150);

const LINES = Array.from({ length: 68 }, () => '{"article":1234,"quantity":3}').join(",");

/** In halves, as words in the configuration of nginx have at most 4,096 characters. */
const CONFIRMATION = [`{"items":[${LINES}`, `,${LINES}]}`] as const;

const PATHS = { get: "/", connect: "/", post: "/orders" } as const;

function configuration(folder: string, ports: Ports): string {
  const certificates = `${Deno.cwd()}/tests/support/certs`;
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile ${OPEN_FILES};
events { worker_connections ${OPEN_FILES}; }
http {
  access_log off;
  log_format notes '$msec $request_time';
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  scgi_temp_path ${folder}/scgi;
  uwsgi_temp_path ${folder}/uwsgi;
  server {
    listen 127.0.0.1:${ports.plain} backlog=${BACKLOG};
    listen 127.0.0.1:${ports.tls} ssl backlog=${BACKLOG};
    listen 127.0.0.1:${ports.http2} ssl http2 backlog=${BACKLOG};
    ssl_certificate ${certificates}/good.pem;
    ssl_certificate_key ${certificates}/good.key;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    default_type application/json;
    set $first '${CONFIRMATION[0]}';
    set $second '${CONFIRMATION[1]}';
    location / { return 200 '${BODY}'; }
    location = ${PATHS.post} { return 200 '$first$second'; }
    location = /met { access_log ${
    notesFile(folder)
  } notes buffer=1m flush=100ms; return 200 'met'; }
    location = /served { stub_status; }
  }
}
`;
}

function notesFile(folder: string): string {
  return `${folder}/notes.log`;
}

/** Enough for the largest scenario. */
const OPEN_FILES = 16_384;

/** Connections that wait to be accepted. The system may allow fewer (net.core.somaxconn). */
const BACKLOG = 16_384;

interface Ports {
  readonly plain: number;
  readonly tls: number;
  readonly http2: number;
}

/**
 * Starts nginx on free ports, pinned to a core, with its files in `folder`.
 *
 * @throws if it does not answer within five seconds.
 */
export async function startNginx(folder: string, core: number): Promise<Nginx> {
  const ports = freePorts();
  const file = `${folder}/nginx.conf`;
  await Deno.writeTextFile(file, configuration(folder, ports));
  const child = new Deno.Command("taskset", {
    args: ["-c", String(core), "nginx", "-p", folder, "-e", "stderr", "-c", file],
    stdin: "null",
    stdout: "null",
  }).spawn();
  const plain = `http://127.0.0.1:${ports.plain}`;
  let asked = 0;
  const status = async (): Promise<Status> => {
    const text = await (await fetch(`${plain}/served`)).text();
    asked++;
    return readStatus(text);
  };
  await untilAnswers(plain);
  asked = 0;
  const before = (await status()).requests - asked;
  return {
    pid: child.pid,
    served: async () => {
      const { requests } = await status();
      return requests - asked - before;
    },
    connections: async () => (await status()).connections - 1,
    url: (exchange, isTls) => (isTls ? `https://127.0.0.1:${ports.tls}` : plain) + PATHS[exchange],
    http2Url: `https://127.0.0.1:${ports.http2}${PATHS.get}`,
    notes: async () => {
      const lines = (await Deno.readTextFile(notesFile(folder))).trimEnd().split("\n");
      return lines.filter((line) => line !== "").map((line) => {
        const [writtenSeconds, tookSeconds] = line.split(" ").map(Number);
        return (writtenSeconds! - tookSeconds!) * 1000;
      });
    },
    stop: async () => {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

interface Status {
  readonly connections: number;
  readonly requests: number;
}

function readStatus(text: string): Status {
  return {
    connections: Number(/^Active connections: (\d+)/.exec(text)![1]),
    // The third number of the line below "server accepts handled requests".
    requests: Number(/^\s*\d+\s+\d+\s+(\d+)/m.exec(text)![1]),
  };
}

/** Asks the system for free ports, as nginx accepts no port 0. */
function freePorts(): Ports {
  const listeners = [1, 2, 3].map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const [plain, tls, http2] = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return { plain: plain!, tls: tls!, http2: http2! };
}

async function untilAnswers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("nginx does not answer");
}
