// Which view is shown, and what stands around all of them: navigation, site, connection, who is signed in.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { loadMe, me, post, site } from "./api";
import { drift } from "./drift";
import { short } from "./format";
import iconUrl from "./icon.svg";
import { connection, ledger } from "./live";
import { Icon, type IconName } from "./parts/icon";
import { Ago, Problem, Waiting } from "./parts/text";
import { go, route } from "./router";
import { FailedView } from "./views/failed";
import { LedgerView } from "./views/ledger";
import { hasLoginToken, LoginView } from "./views/login";
import { ModelView } from "./views/model";
import { ModelsView } from "./views/models";
import { VisitorView } from "./views/visitor";
import { VisitorsView } from "./views/visitors";

const startError = signal<unknown>(null);

function findOut(): void {
  startError.value = null;
  loadMe().catch((error: unknown) => {
    startError.value = error;
  });
}

export function App() {
  useEffect(findOut, []);
  const { path } = route.value;
  if (path === "/login" && hasLoginToken()) return <LoginView />;
  if (startError.value) {
    return (
      <main class="alone">
        <Problem error={startError.value} onRetry={findOut} />
      </main>
    );
  }
  if (me.value === undefined) {
    return (
      <main class="alone">
        <Waiting rows={3} />
      </main>
    );
  }
  if (me.value === null) return <LoginView />;
  if (me.value.sites.length === 0) {
    return (
      <main class="alone">
        <Problem error="You have no access to any site yet. Ask an admin of your shop." />
      </main>
    );
  }
  return <Shell key={site.value}>{viewOf(path)}</Shell>;
}

function viewOf(path: string): ComponentChildren {
  if (path.startsWith("/visitors/")) {
    const id = unescaped(path.slice("/visitors/".length));
    return <VisitorView key={id} id={id} />;
  }
  if (path === "/ledger") return <LedgerView />;
  if (path === "/failed") return <FailedView />;
  if (path === "/models") return <ModelsView />;
  if (path.startsWith("/models/")) {
    const version = path.slice("/models/".length);
    return <ModelView key={version} version={version} />;
  }
  return <VisitorsView />;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Shell({ children }: { children: ComponentChildren }) {
  const { path } = route.value;
  const nFailed = ledger.value?.failed ?? 0;
  return (
    <div class="shell">
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="side">
        <a class="brand" href="/" data-internal>
          <img src={iconUrl} alt="" width="28" height="28" />
          Footfall
        </a>
        <SiteChoice />
        <nav aria-label="Views">
          <NavLink href="/" icon="visitors" isHere={path === "/" || path.startsWith("/visitors")}>
            Visitors
          </NavLink>
          <NavLink href="/models" icon="models" isHere={path.startsWith("/models")}>
            Models
          </NavLink>
          <NavLink href="/ledger" icon="ledger" isHere={path === "/ledger"}>
            Ledger
          </NavLink>
          <NavLink href="/failed" icon="failed" isHere={path === "/failed"}>
            <span class="narrow-hide">Failed events</span>
            <span class="narrow-only">Failed</span>
            {nFailed > 0 && <b class="count">{short(nFailed)}</b>}
          </NavLink>
        </nav>
        <div class="who">
          <ConnectionState />
          <span class="who-mail" title={me.value?.name}>
            {me.value?.name}
          </span>
          <button type="button" class="button quiet small" onClick={signOut}>
            <Icon name="out" /> Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Alarms />
        {children}
      </main>
    </div>
  );
}

function Alarms() {
  const alarms = drift.value?.alarms ?? [];
  if (!alarms.length) return null;
  const isThere = route.value.path.startsWith("/models");
  return (
    <div class="alarms" role="status">
      <Icon name="failed" />
      <ul>
        {alarms.map((alarm) => (
          <li key={alarm.what}>
            {alarm.message}{" "}
            <span class="sub">
              since <Ago at={alarm.since} />
            </span>
          </li>
        ))}
      </ul>
      {!isThere && (
        <a class="button quiet small" href="/models" data-internal>
          Look at the models
        </a>
      )}
    </div>
  );
}

function NavLink(props: { href: string; icon: IconName; isHere: boolean; children: ComponentChildren }) {
  return (
    <a class="nav" href={props.href} data-internal aria-current={props.isHere ? "page" : undefined}>
      <Icon name={props.icon} />
      {props.children}
    </a>
  );
}

function SiteChoice() {
  const sites = me.value?.sites ?? [];
  if (sites.length < 2) return <p class="site">{sites[0]?.name}</p>;
  const choose = (event: Event) => {
    site.value = Number((event.currentTarget as HTMLSelectElement).value);
    go("/");
  };
  return (
    <select class="site" aria-label="Shop" value={String(site.value)} onChange={choose}>
      {sites.map(({ number, name }) => (
        <option key={number} value={String(number)}>
          {name}
        </option>
      ))}
    </select>
  );
}

const CONNECTIONS = { connecting: "Connecting", open: "Live", lost: "Reconnecting" } as const;

function ConnectionState() {
  return (
    <span class={`connection connection-${connection.value}`} role="status">
      {CONNECTIONS[connection.value]}
    </span>
  );
}

async function signOut(): Promise<void> {
  await post("/api/logout").catch(() => {});
  me.value = null;
  go("/login");
}
