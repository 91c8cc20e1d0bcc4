/**
 * Tests the container image without Docker. buildah builds the Dockerfile, and the result is started as process 1
 * in its own namespaces, as the image's configuration says.
 *
 * This does not test that the base images exist and contain what the Debian here does (`debian:12-slim` lacks
 * documents and translations), and how Docker's network and limits behave.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { VERSION } from "../../src/core/version.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { compiledExecutable } from "../support/executable.ts";
import { Container } from "../support/image/container.ts";
import { COMMIT, type Image, Images } from "../support/image/image.ts";
import { TestFolder } from "../support/image/test_folder.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";

const TOOLS = ["buildah", "debootstrap", "unshare", "nsenter", "chroot"];

/** Why the image cannot be made here, or null. */
async function obstacle(): Promise<string | null> {
  const missing = TOOLS.filter(isMissing);
  if (missing.length > 0) return `${missing.join(", ")} is missing`;
  const isRequired = Deno.env.get("AIOTEST_REQUIRE") === "all";
  if (Deno.uid() !== 0 && !isRequired) return "only root may change roots";
  return await compiledExecutable() === null ? "there is no executable" : null;
}

const reason = await obstacle();
if (reason !== null) process.stderr.write(`The image is not tested: ${reason}.\n`);

let made: Promise<Images> | undefined;

function theImages(): Promise<Images> {
  made ??= Images.create();
  return made;
}

Deno.test.afterAll(async () => await (await made)?.remove());

const TEST_FILE = `
import { FastHttpUser } from "aiotest";
export class VisitorTest extends FastHttpUser {
  static waitTime = 0.02;
  async testPlain() { await this.session.get("/plain"); }
}
`;

function testImage(name: string, body: (image: Image) => Promise<void>): void {
  Deno.test(name, { ignore: reason !== null }, async () => {
    const images = await theImages();
    await body(await images.debian);
  });
}

/** What both images have in common. */
const CONFIG = {
  labels: {
    "org.opencontainers.image.title": "aiotest",
    "org.opencontainers.image.description": "A scriptable, distributed load generator",
    "org.opencontainers.image.version": VERSION,
    "org.opencontainers.image.revision": COMMIT,
    "org.opencontainers.image.licenses": "MIT",
  },
  env: {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    AIOTEST_HISTORY: "/reports/.aiotest",
  },
  user: ["10001", "10001"],
  workdir: "/test",
  ports: ["5557/tcp", "8089/tcp"],
  stopSignal: "SIGTERM",
  entrypoint: ["aiotest"],
};

/** The megabytes that docs/docker.md says an image adds to its base. */
function documentedMegabytes(): number {
  const page = Deno.readTextFileSync(projectPath("docs/docker.md"));
  const [, size] = /aiotest adds less than (\d+) MB/.exec(page) ?? [];
  assert.ok(size !== undefined, "docs/docker.md does not say how large the image is");
  return Number(size);
}

testImage("the image's configuration and size are as documented", async ({ config }) => {
  await Promise.resolve();
  const { addedBytes, ...others } = config;
  assert.deepEqual(others, {
    ...CONFIG,
    healthCheck: {
      test: ["CMD", "aiotest-alive"],
      interval: 30,
      timeout: 10,
      startPeriod: 60,
      retries: 3,
    },
  });
  assert.ok(addedBytes < documentedMegabytes() * 1e6, String(addedBytes));
});

testImage("the image's command prints its version and its help", async (image) => {
  const version = await new Container(image, ["--version"]).finished;
  assert.equal(version.code, 0, version.stderr);
  assert.ok(version.stdout.startsWith(`aiotest ${VERSION} (`), version.stdout);
  const help = await new Container(image, ["--help"]).finished;
  assert.match(help.stdout, /--expect-workers/);
  const mistake = await new Container(image, ["--user", "3"]).finished;
  assert.equal(mistake.code, 2);
});

testImage(
  "a run on a read-only root counts every request, and writes its report",
  async (image) => {
    await using target = new CountingTarget();
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    const options = [
      "-H",
      target.url,
      "-u",
      "5",
      "-r",
      "50",
      "-t",
      "2",
      "--json",
      "/reports/run.json",
    ];
    await using container = new Container(image, ["-f", "aiotestfile.js", ...options], {
      tests: tests.path,
      readOnly: true,
    });
    const { code, stderr } = await container.finished;
    assert.equal(code, 0, stderr);
    const path = `${image.root}/reports/run.json`;
    const { totals, complete } = JSON.parse(await Deno.readTextFile(path));
    assert.ok(target.total > 100, String(target.total));
    assert.deepEqual([totals.requests, totals.failures, complete], [target.total, 0, true]);
    assert.equal((await Deno.stat(path)).uid, 10_001);
  },
);

testImage(
  "docker stop ends a run gracefully: SIGTERM reaches process 1, and the report is written",
  async (image) => {
    await using target = new CountingTarget();
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    const options = ["-H", target.url, "-u", "5", "-r", "50", "--json", "/reports/stopped.json"];
    await using container = new Container(image, ["-f", "aiotestfile.js", ...options], {
      tests: tests.path,
    });
    await target.reached(50);
    assert.equal(await container.healthProblem(), null);
    container.stop();
    const { code, stderr } = await container.finished;
    assert.equal(code, 0, stderr);
    const report = JSON.parse(await Deno.readTextFile(`${image.root}/reports/stopped.json`));
    assert.equal(report.totals.requests, target.total);
    assert.equal(report.exitCode, 0);
  },
);

testImage(
  "the dashboard and the metrics are reached from other addresses, with the token",
  async (image) => {
    await using target = new CountingTarget();
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    const port = String(steadyPort());
    await using container = new Container(
      image,
      ["-f", "aiotestfile.js", "-H", target.url, "-u", "5", "-r", "50"],
      {
        tests: tests.path,
        readOnly: true,
        env: {
          AIOTEST_NO_WEB: "",
          AIOTEST_WEB_HOST: "0.0.0.0",
          AIOTEST_WEB_PORT: port,
          AIOTEST_WEB_TOKEN: "for-the-dashboard",
        },
      },
    );
    await target.reached(50);
    const url = `http://127.0.0.2:${port}`;
    const headers = { authorization: "Bearer for-the-dashboard" };
    for (const path of ["/metrics", "/api/summary"]) {
      const refused = await fetch(url + path);
      await refused.body?.cancel();
      assert.equal(refused.status, 401, path);
    }
    const probed = await fetch(`${url}/healthz`);
    await probed.body?.cancel();
    assert.equal(probed.status, 200);
    const metrics = await fetch(`${url}/metrics`, { headers });
    assert.match(await metrics.text(), /^aiotest_run_info\{/m);
    const page = await fetch(`${url}/`, { headers });
    assert.match(await page.text(), /<title>/);
    // With a token, others may control the run as well.
    const stopped = await fetch(`${url}/api/stop`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "x-aiotest": "1" },
      body: "{}",
    });
    assert.equal(stopped.status, 200, await stopped.text());
    const { code, stderr } = await container.finished;
    assert.equal(code, 0, stderr);
  },
);

testImage(
  "aiotest is process 1, not root, has no capabilities, and can write only to its own folders",
  async (image) => {
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    const args = ["--master", "--master-bind-port", "0", "-f", "aiotestfile.js"];
    await using container = new Container(image, args, { tests: tests.path });
    await container.says("Waiting for workers");
    const { stdout: status } = await container.run(["cat", "/proc/1/status"]);
    assert.match(status, /^Name:\s+aiotest$/m);
    assert.match(status, /^Uid:\s+10001\s+10001\s+10001\s+10001$/m);
    assert.match(status, /^Groups:\s*$/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    const tree =
      "/bin /boot /etc /home /lib /media /mnt /opt /reports /root /run /sbin /srv /tmp /usr /var";
    const { stdout } = await container.run([
      "find",
      ...tree.split(" "),
      "-xdev",
      "-not",
      "-type",
      "l",
      "-writable",
    ]);
    const writable = stdout.trim().split("\n").filter((path) => !/^\/(reports|tmp)\//.test(path));
    // All but the first are anybody's on every Debian.
    assert.deepEqual(writable.sort(), ["/reports", "/run/lock", "/tmp", "/var/tmp"]);
    const { stdout: setuid } = await container.run(["find", "/usr/local", "-perm", "/6000"]);
    assert.equal(setuid, "");
    container.stop();
    await container.finished;
  },
);

testImage(
  "/test belongs to the user if nothing is mounted there, and another user can be set",
  async (image) => {
    await using target = new CountingTarget();
    await using own = new Container(image, [
      "quick",
      target.url,
      "-n",
      "10",
      "--json",
      "quick.json",
    ]);
    const finished = await own.finished;
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(
      JSON.parse(await Deno.readTextFile(`${image.root}/test/quick.json`)).totals.requests,
      10,
    );

    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    await Deno.chown(tests.path, 4_242, 4_242);
    await using other = new Container(image, [
      "-f",
      "aiotestfile.js",
      "-H",
      target.url,
      "-t",
      "1",
      "--json",
      "run.json",
    ], {
      tests: tests.path,
      user: ["4242", "4242"],
    });
    const { code, stderr } = await other.finished;
    assert.equal(code, 0, stderr);
    assert.equal((await Deno.stat(`${tests.path}/run.json`)).uid, 4_242);
  },
);

testImage(
  "a private certificate authority is trusted if AIOTEST_CA names its certificate",
  async (image) => {
    const server = Deno.serve(
      { ...identity("good"), hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("well"),
    );
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE, "ca.pem": testAuthority() });
    const url = `https://127.0.0.1:${server.addr.port}`;
    const args = ["-f", "aiotestfile.js", "-H", url, "-t", "1"];
    const stranger = await new Container(image, args, { tests: tests.path }).finished;
    assert.equal(stranger.code, 1);
    assert.match(stranger.stdout, /TLS_UNTRUSTED/);
    const known = await new Container(image, args, {
      tests: tests.path,
      env: { AIOTEST_CA: "/test/ca.pem" },
    })
      .finished;
    assert.equal(known.code, 0, known.stdout);
    await server.shutdown();
  },
);

testImage(
  "master and workers share a run, and are healthy while they work",
  async (image) => {
    await using target = new CountingTarget();
    await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
    const port = String(steadyPort());
    const env = { AIOTEST_TOKEN: "between-us", AIOTEST_AIOTESTFILE: "aiotestfile.js" };
    const start = (args: readonly string[]): Container =>
      new Container(image, args, { tests: tests.path, env, readOnly: true });

    await using worker = start(["--worker", "--master-port", port]);
    await worker.says("Cannot reach the master at");
    assert.equal(await worker.healthProblem(), "the worker is not connected to a master");

    const options = ["-H", target.url, "-u", "6", "-r", "50", "--json", "/reports/cluster.json"];
    const bind = `--master-bind-port=${port}`;
    await using master = start(["--master", bind, "--expect-workers", "2", ...options]);
    await master.says("Waiting for workers");
    await master.becomes("healthy", 30);
    await worker.becomes("healthy", 30);

    // One whose parent only watches over it, and which gets the test file from its master.
    await using pair = new Container(
      image,
      ["--worker", "--processes", "1", `--master-port=${port}`],
      { env: { AIOTEST_TOKEN: "between-us" }, readOnly: true },
    );
    await target.reached(100);
    assert.deepEqual(
      await Promise.all([master, worker, pair].map((node) => node.healthProblem())),
      [
        null,
        null,
        null,
      ],
    );

    worker.kill("SIGSTOP");
    await worker.becomes(/^process \d+ is suspended$/, 30);
    worker.kill("SIGCONT");
    master.stop();
    for (const node of [master, worker, pair]) {
      const { code, stderr } = await node.finished;
      assert.equal(code, 0, stderr);
    }
    const report = JSON.parse(await Deno.readTextFile(`${image.root}/reports/cluster.json`));
    assert.deepEqual([report.totals.requests, report.complete], [target.total, true]);
  },
);

// If this file exists, the node loops forever.
const STUCK = `
import { events, User } from "aiotest";
events.on("init", ({ node }) => {
  const role = node === "master" ? "master" : "worker";
  setInterval(() => {
    try {
      if (Deno.readTextFileSync("/test/stuck") === role) while (true);
    } catch { /* not yet */ }
  }, 100);
});
export class IdleTest extends User {
  async testNothing() {}
}
`;

const COMPLAINTS = {
  worker: /^the worker is not connected to a master$/,
  master: /^the master does not accept connections$/,
} as const;

async function getsStuck(image: Image, role: keyof typeof COMPLAINTS): Promise<void> {
  await using tests = new TestFolder({ "stuck.js": STUCK });
  const port = String(steadyPort());
  const options = {
    tests: tests.path,
    env: { AIOTEST_TOKEN: "between-us", AIOTEST_AIOTESTFILE: "stuck.js" },
  };
  await using master = new Container(image, ["--master", "--master-bind-port", port], options);
  await using worker = new Container(image, ["--worker", "--master-port", port], options);
  const stuck = role === "master" ? master : worker;
  await worker.says("Joined the master");
  await stuck.becomes("healthy", 30);
  tests.write("stuck", role);
  await stuck.becomes(COMPLAINTS[role], 60);
}

testImage("a worker or a master in an endless loop is unhealthy", async (image) => {
  await Promise.all([getsStuck(image, "worker"), getsStuck(image, "master")]);
});

Deno.test("the image without a shell runs a test on a read-only root, and is stopped gracefully", {
  ignore: reason !== null,
}, async () => {
  const image = await (await theImages()).distroless();
  const { addedBytes, ...others } = image.config;
  assert.deepEqual(others, { ...CONFIG, healthCheck: null });
  assert.ok(addedBytes < documentedMegabytes() * 1e6, String(addedBytes));
  assert.deepEqual([...Deno.readDirSync(`${image.root}/usr/local/bin`)].map(({ name }) => name), [
    "aiotest",
  ]);

  await using target = new CountingTarget();
  await using tests = new TestFolder({ "aiotestfile.js": TEST_FILE });
  const options = ["-H", target.url, "-u", "5", "-r", "50", "--json", "/reports/run.json"];
  await using container = new Container(image, ["-f", "aiotestfile.js", ...options], {
    tests: tests.path,
    readOnly: true,
  });
  await target.reached(50);
  container.stop();
  const { code, stderr } = await container.finished;
  assert.equal(code, 0, stderr);
  const { totals } = JSON.parse(await Deno.readTextFile(`${image.root}/reports/run.json`));
  assert.deepEqual([totals.requests, totals.failures], [target.total, 0]);
  for (const folder of ["test", "reports"]) {
    assert.equal((await Deno.stat(`${image.root}/${folder}`)).uid, 10_001, folder);
  }
});
