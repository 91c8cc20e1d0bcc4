import { sleep } from "./timing.ts";
import { steadyPort } from "./machine.ts";
import { projectPath } from "./paths.ts";

/** How long nginx may take to answer. */
const START_LIMIT_MS = 10_000;

/** An nginx in front of dashboards, on 127.0.0.1. */
export class ReverseProxy implements AsyncDisposable {
  /** The port of its servers with TLS. */
  readonly tlsPort: number;
  /** The port of its servers without TLS. */
  readonly plainPort: number;
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;

  private constructor(folder: string, tlsPort: number, plainPort: number, servers: string) {
    this.#folder = folder;
    this.tlsPort = tlsPort;
    this.plainPort = plainPort;
    Deno.writeTextFileSync(
      `${folder}/nginx.conf`,
      `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  scgi_temp_path ${folder}/scgi;
  uwsgi_temp_path ${folder}/uwsgi;
  ssl_certificate ${projectPath("tests/support/certs/good.pem")};
  ssl_certificate_key ${projectPath("tests/support/certs/good.key")};
${servers}
}
`,
    );
    this.#process = new Deno.Command("nginx", {
      args: ["-p", folder, "-e", "stderr", "-c", `${folder}/nginx.conf`],
      stdin: "null",
      stdout: "null",
    }).spawn();
  }

  /**
   * Resolves when it accepts connections.
   *
   * @param servers its `server` blocks; each `listen 443 ssl;` becomes one of its two ports.
   */
  static async start(servers: string): Promise<ReverseProxy> {
    const [tlsPort, plainPort] = [steadyPort(), steadyPort()];
    const listening = servers.replaceAll(
      "listen 443 ssl;",
      `listen 127.0.0.1:${tlsPort} ssl; listen 127.0.0.1:${plainPort};`,
    );
    const folder = await Deno.makeTempDir();
    const proxy = new ReverseProxy(folder, tlsPort, plainPort, listening);
    for (const end = Date.now() + START_LIMIT_MS;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: plainPort })).close();
        return proxy;
      } catch (error) {
        if (Date.now() > end) throw error;
        await sleep(20);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
