// Where does the dashboard start? Finds out who is signed in, opens the live stream, watches the model, and shows the view of the address.

import { render } from "preact";
import { App } from "./app";
import { startDrift } from "./drift";
import { startLive } from "./live";
import { startRouter } from "./router";
import "./style.css";

startRouter();
startLive();
startDrift();
render(<App />, document.getElementById("app")!);
