import { denoHost } from "./src/core/host.ts";
import { main } from "./src/cli/main.ts";

const host = denoHost();
const exitCode = await main(host);
// The runtime keeps compiled modules for the next start, but only once its event loop has turned.
await new Promise((resolve) => setTimeout(resolve, 0));
host.exit(exitCode);
