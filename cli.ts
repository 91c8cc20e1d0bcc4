import { denoHost } from "./src/core/host.ts";
import { main } from "./src/cli/main.ts";

const host = denoHost();
// Not awaited at the top level: the runtime would end with its own error if nothing is left to wait for.
void main(host).then(async (exitCode) => {
  // The runtime keeps compiled modules for the next start, but only once its event loop has turned.
  await new Promise((resolve) => setTimeout(resolve, 0));
  host.exit(exitCode);
});
