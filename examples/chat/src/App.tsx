import { useState } from "react";
import { scripted } from "./models/scripted";
import { AddServer } from "./screens/AddServer";
import { Chat } from "./screens/Chat";
import { ModelChoice } from "./screens/ModelChoice";
import { Questions } from "./screens/Questions";
import { ServerList } from "./screens/ServerList";

export function App() {
  const [model, setModel] = useState(scripted);
  return (
    <>
      <header>
        <h1>Evergreen chat</h1>
      </header>
      <aside aria-label="Settings">
        <ServerList />
        <AddServer />
        <ModelChoice onChoose={setModel} />
      </aside>
      <main>
        <Chat model={model}>
          <Questions model={model} />
        </Chat>
      </main>
    </>
  );
}
