import { nodeSockets } from "../../src/net/node_sockets.ts";
import { tcpContract } from "./tcp_contract.ts";

tcpContract(nodeSockets());
