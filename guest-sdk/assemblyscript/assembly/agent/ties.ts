// `motehost:agent/ties`: ending with other agents, and being told of their ends (messages `exit.NAME` and `down.NAME`).
export { demonitor, link, monitor, unlink } from "motehost:agent/ties";
