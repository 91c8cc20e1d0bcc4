/**
 * The target: an nginx of our own on loopback, which says itself how many requests it has served.
 *
 * @module
 */

/** A running nginx. */
export interface Nginx {
  /** Where it answers 200 with a small body. */
  readonly url: string;
  /** Requests that it has served so far, those that asked for this number left out. */
  served(): Promise<number>;
  stop(): Promise<void>;
}

const BODY = JSON.stringify({ found: true, items: Array.from({ length: 16 }, (_, n) => n * 997) })
  .padEnd(150);

function configuration(folder: string, port: number): string {
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 65536;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  scgi_temp_path ${folder}/scgi;
  uwsgi_temp_path ${folder}/uwsgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type application/json; return 200 '${BODY}'; }
    location = /served { stub_status; }
  }
}
`;
}

/**
 * Starts nginx on a free port, pinned to a core, with its files in `folder`.
 *
 * @throws where it does not answer within five seconds.
 */
export async function startNginx(folder: string, core: number): Promise<Nginx> {
  const port = freePort();
  const file = `${folder}/nginx.conf`;
  await Deno.writeTextFile(file, configuration(folder, port));
  const child = new Deno.Command("taskset", {
    args: ["-c", String(core), "nginx", "-p", folder, "-e", "stderr", "-c", file],
    stdin: "null",
    stdout: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  let asked = 0;
  const served = async (): Promise<number> => {
    const text = await (await fetch(`${url}/served`)).text();
    asked++;
    // The third number of the line below "server accepts handled requests".
    return Number(/^\s*\d+\s+\d+\s+(\d+)/m.exec(text)![1]) - asked;
  };
  await untilAnswers(url);
  asked = 0;
  const before = await served();
  return {
    url,
    served: async () => await served() - before,
    stop: async () => {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

/** nginx takes no port 0, so the system is asked for one that is free now. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
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
