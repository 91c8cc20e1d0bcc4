import { denoHost } from "./src/core/host.ts";
import { main } from "./src/cli/main.ts";

const host = denoHost();
host.exit(await main(host));
