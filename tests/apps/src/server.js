// What a framework renders on a server: every entry is imported, and nothing happens.

import { createElement } from "react";
import { renderToString } from "react-dom/server";
import * as main from "mcp-evergreen";
import { useMcp } from "mcp-evergreen/react";
import { EvergreenTransport } from "mcp-evergreen/transport";

export function render(url) {
  const App = () => createElement("p", null, useMcp(url).status.state);
  return `${renderToString(createElement(App))} ${typeof main.connect} ${typeof EvergreenTransport}`;
}
