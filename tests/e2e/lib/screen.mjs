// A screen without a device, for browsers that are to have real windows: there, one page alone has the focus.

import { startProcess } from "./processes.mjs";

const DISPLAY = /^(\d+)$/m;

/** Starts it; `env` is what a program needs to show its windows there. */
export async function startScreen() {
  const screen = await startProcess(process.env.XVFB ?? "Xvfb", ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {
    says: DISPLAY,
  });
  return { env: { DISPLAY: `:${DISPLAY.exec(screen.output())[1]}` }, kill: screen.kill };
}
