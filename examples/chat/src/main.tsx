import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Mcp } from "./mcp/host";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Mcp>
      <App />
    </Mcp>
  </StrictMode>,
);
